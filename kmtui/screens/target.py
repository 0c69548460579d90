"""One target: how it stands, what is going on there now, and every attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from kmtui.bindings import KEYS, screen_bindings
from kmtui.core.errors import NotFound
from kmtui.core.events import DeploymentStepped, Event
from kmtui.model import Certificate, Deployment, LogLine, Target, TargetState
from kmtui.screens.deploying import Deploying, target_reason
from kmtui.screens.deployment_steps import BACK, Way, steps_of
from kmtui.screens.error import ErrorScreen
from kmtui.screens.here import with_keys
from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.screens.request_keys import vault_reason
from kmtui.screens.target_form import TargetForm
from kmtui.screens.target_words import (
    NOT_WELL,
    again_fact,
    problem_of_target,
    setting_facts,
    version_cell,
)
from kmtui.status import Cell, clock, duration, look, status_cell, when
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.logview import LogView
from kmtui.widgets.rows import Column, ListSource, Row
from kmtui.widgets.rowtable import RowTable
from kmtui.widgets.steps import Steps

COLUMNS = (
    Column("TIME", 16),
    Column("VER", 4),
    Column("OUTCOME", 11),
    Column("TOOK", 5, align="right"),
    Column("BY", 12, 24, drop=1),
    Column("WHY", 16, flex=1),
)
MOST_ROWS = 7
"""Attempts shown at once; the rest of the height belongs to what is going on."""


class TargetScreen(Page):
    """Live while something is deployed there; then it shows what came of it by itself."""

    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "deploy", "test", "edit", "delete", "copy", "last_error", "next_pane", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("target")]
    AUTO_FOCUS = "RowTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    TargetScreen #problem { display: none; height: auto; max-height: 8; }
    TargetScreen.-told #problem { display: block; }
    TargetScreen #pane { width: 50; padding: 0 0 0 1; }
    TargetScreen.-narrow.-failed #pane { display: none; }
    TargetScreen.-narrow #attempts { layout: vertical; }
    TargetScreen.-narrow #pane { width: 1fr; height: auto; max-height: 6; padding: 0; }
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._certificate: Certificate | None = None
        self._gone = False
        self._way = Way()
        self._heard: list[LogLine] = []
        self._lines = 0
        self._unsubscribe: Callable[[], None] = lambda: None
        self._steps = Steps()
        self._problem = Details(id="problem")
        self.table = RowTable(COLUMNS, empty="Nothing was tried here yet.", markable=False)
        self.log_view = LogView(wrapped=True)
        self.pane = Details(label_width=8, id="pane")
        self._deploying = Deploying(self)
        self.title_line.show_crumbs("Certificates", target.certificate, target.name)

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self._steps
        yield self._problem
        with Horizontal(id="attempts"):
            with Vertical():
                yield self.table
                yield self.log_view
            yield self.pane

    # Hearing

    def on_mount(self) -> None:
        self.set_interval(1.0, self._show_time)

    def on_unmount(self) -> None:
        self._unsubscribe()

    def _hear(self, event: Event) -> None:
        """Keep each line until the next tick: of several the inbox of events holds the last."""
        if isinstance(event, DeploymentStepped) and event.id == self._target.id:
            self._way.hear(event.text)
            self._lines += 1
            self._heard.append(_line(self._lines, event.text))

    # Reading and showing

    async def ready(self) -> None:
        self._unsubscribe = self.core.bus.subscribe(self._hear)
        self._way.hear(self._target.step)
        await self._read()

    async def changed(self, message: Changed) -> None:
        """Read again only what concerns this target."""
        if not message.events or any(event.id == self._target.id for event in message.events):
            await self._read()

    async def _read(self) -> None:
        certificate, name = self._target.certificate_id, self._target.name
        try:
            target = await self.core.targets.get(certificate, name)
            history = await self.core.targets.history(certificate, name)
            self._certificate = await self.core.certificates.get(certificate)
        except NotFound:
            self._gone = True
            self.say("this target is gone; what was put there stays", "warn")
            return
        self._target = target
        heard, self._heard = self._heard, []
        self.log_view.extend(_judged(line, target) for line in heard)
        self._steps.show_steps(steps_of(target, self._way))
        self._show_time()
        self._show_problem(target)
        self.table.styles.height = min(max(len(history), 1), MOST_ROWS) + 1
        self.table.reload(ListSource(_row(line) for line in history))
        self.pane.show(setting_facts(target))
        self.refresh_bindings()

    def _show_time(self) -> None:
        """The head of the screen; a clock while something is under way."""
        target, now = self._target, datetime.now(UTC)
        counts: list[Cell] = [version_cell(target), status_cell(target.state)]
        position = ""
        if target.state == TargetState.UPLOADING and target.started_at is not None:
            elapsed = duration((now - target.started_at).total_seconds())
            position = f"started {clock(target.started_at)}  {elapsed}"
            counts.append((target.step, ""))
        elif (at := target.verified_at or target.deployed_at) is not None:
            position = when(at)
        self.status_line.tell(counts=counts, position=position)

    def _show_problem(self, target: Target) -> None:
        """What went wrong; where room is short, its log in place of how the target is set up."""
        facts: list[Fact] = []
        failed = bool(target.error) and target.state != TargetState.UPLOADING
        if failed:
            tone = "bad" if target.state in NOT_WELL else "warn"
            facts.append(("what", (target.error, tone)))
            facts += [("next", with_keys(target.hint))] if target.hint else []
        facts += again_fact(target, datetime.now(UTC))
        self.set_class(failed, "-failed")
        self.set_class(bool(facts), "-told")
        self._problem.show(facts)

    # Keys

    def impossible(self, key: str) -> str:
        reason = vault_reason(self.core, key) if key in KEYS else ""
        if self._gone and key in ("deploy", "test", "edit", "delete"):
            return f"{KEYS[key].word}: this target is gone"
        current = self._certificate.current_version if self._certificate else None
        return reason or target_reason(key, [self._target], current)

    def copied(self) -> str:
        return self.pane.text

    def action_next_pane(self) -> None:
        self.focus_next()

    def action_deploy(self) -> None:
        if self._certificate is not None:
            self._deploying.deploy([self._target], self._certificate)

    def action_test(self) -> None:
        self._deploying.verify([self._target])

    def action_edit(self) -> None:
        self.app.push_screen(TargetForm(self._target.certificate_id, self._target))

    def action_delete(self) -> None:
        self._deploying.delete(self._target, then=self.action_back)

    def action_last_error(self) -> None:
        """What is wrong here; where nothing is, the last error anywhere."""
        if self._target.error:
            title = f"deploy {self._target.certificate} to {self._target.name}"
            self.app.push_screen(ErrorScreen(title, problem_of_target(self._target)))
        else:
            self.call_later(self.app.run_action, "last_error")


def _line(number: int, text: str) -> LogLine:
    level = "bad" if text.startswith(BACK) else "info"
    return LogLine(id=number, request_id="", at=datetime.now(UTC), level=level, text=text)


def _judged(line: LogLine, target: Target) -> LogLine:
    """The last line of an attempt as good or bad as its end."""
    if target.error and line.text == target.error:
        return replace(line, level="bad" if target.state in NOT_WELL else "warn")
    if target.state in (TargetState.DEPLOYED, TargetState.VERIFIED) and line.text == target.step:
        return replace(line, level="good")
    return line


def _row(line: Deployment) -> Row:
    took = duration((line.ended_at - line.started_at).total_seconds())
    tone = look(line.outcome).tone if line.outcome in (*NOT_WELL, "interrupted") else ""
    cells: tuple[Cell, ...] = (
        (when(line.ended_at), ""),
        (f"v{line.version}", ""),
        status_cell(line.outcome),
        (took, "muted"),
        (line.actor, "muted"),
        (line.error, tone),
    )
    return Row(str(line.id), cells, line.outcome, line)
