"""One certificate: every version ever issued, every attempt to get one, and where they are put."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from kmtui.bindings import KEYS, bindings, screen_bindings
from kmtui.core.errors import KmtuiError
from kmtui.core.events import TargetChanged
from kmtui.model import Target, Version
from kmtui.screens.authority_words import known_authority
from kmtui.screens.certificate_acts import CertificateActs
from kmtui.screens.certificate_forms import CertificateForms, diff_reason, form_reason
from kmtui.screens.certificate_rows import Shown, row_error, row_facts, row_screen, row_text
from kmtui.screens.certificate_words import head_facts
from kmtui.screens.deploying import Deploying, rollback_reason, target_reason
from kmtui.screens.history import ATTEMPT_COLUMNS, VERSION_COLUMNS, attempt_row, version_row
from kmtui.screens.messages import Changed
from kmtui.screens.request_keys import vault_reason
from kmtui.screens.target_form import TargetForm
from kmtui.screens.targetlist import TargetList
from kmtui.status import Cell
from kmtui.widgets.details import Details
from kmtui.widgets.rows import ListSource
from kmtui.widgets.rowtable import RowTable

TABS = ("versions", "attempts", "targets")
KEY_LINES = {
    "versions": ("help", "open", "renew", "save", "revoke", "export", "diff", "next_pane", "back"),
    "attempts": ("help", "open", "renew", "save", "deploy", "next_pane", "back"),
    "targets": ("help", "open", "new", "deploy", "test", "edit", "delete", "next_pane", "back"),
}
"""Ids of the keys that each tab needs most."""
REST = (
    *("edit", "move", "delete", "deploy", "rollback", "new", "auto_renew", "auto_save"),
    *("copy", "last_error"),
)
"""Ids of what follows where there is room."""


class CertificateScreen(CertificateActs):
    """Its renewal on top; below, versions, attempts and targets: one list at a time, or all."""

    AUTO_FOCUS = "#versions"
    BINDINGS: ClassVar[list[BindingType]] = [
        *screen_bindings("certificate"),
        *bindings("last_error", show=False),
    ]
    KEY_LINE: ClassVar[tuple[str, ...]] = (*KEY_LINES["versions"], *REST)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared by Textual
    DEFAULT_CSS = """
    CertificateScreen #head { height: auto; max-height: 11; }
    CertificateScreen #versions { height: 2fr; }
    CertificateScreen #attempts { height: 1fr; }
    CertificateScreen #targets { height: 1fr; }
    CertificateScreen.-narrow RowTable { display: none; height: 1fr; }
    CertificateScreen.-narrow.-versions #versions { display: block; }
    CertificateScreen.-narrow.-attempts #attempts { display: block; }
    CertificateScreen.-narrow.-targets #targets { display: block; }
    CertificateScreen #pane { width: 46; padding: 0 0 0 1; }
    CertificateScreen.-narrow #pane { display: none; }
    """

    def __init__(self, certificate_id: str) -> None:
        super().__init__(certificate_id)
        self.title_line.show_crumbs("Certificates", "…")
        self._attempt_ids: frozenset[str] = frozenset()
        self._tab = TABS[0]
        self.head = Details(id="head")
        self.head.can_focus = False  # the keys are for the tables
        self.versions = RowTable(
            VERSION_COLUMNS,
            empty="No version was issued yet. tab shows the attempts.",
            markable=False,
            id="versions",
        )
        self.attempts = RowTable(
            ATTEMPT_COLUMNS, empty="Nobody asked for a version here.", markable=False, id="attempts"
        )
        self.targets = TargetList(id="targets")
        self.pane = Details(label_width=11, id="pane")
        self._deploying = Deploying(self)
        self._forms = CertificateForms(self)
        self.add_class(f"-{self._tab}")

    def body(self) -> ComposeResult:
        yield self.head
        yield self.status_line
        with Horizontal():
            with Vertical():
                yield self.versions
                yield self.attempts
                yield self.targets
            yield self.pane

    # Reading

    async def ready(self) -> None:
        self.start(self._read(), "certificate")

    async def changed(self, message: Changed) -> None:
        """Read again when it is about this certificate, one of its requests or targets."""
        ours = {self.certificate_id, *self._attempt_ids}
        if not message.events or any(
            event.id in ours or isinstance(event, TargetChanged) for event in message.events
        ):
            await self.ready()

    async def _read(self) -> None:
        certificates = self.core.certificates
        certificate = await certificates.get(self.certificate_id)
        versions = await certificates.history(self.certificate_id)
        attempts = await certificates.attempts(self.certificate_id)
        targets = await self.core.targets.of_certificate(self.certificate_id)
        verdict = await self.core.renewal.verdict(self.certificate_id)
        authority = await known_authority(self.core, certificate.ca)
        if not self.is_attached:
            return
        now = datetime.now(UTC)
        self.certificate, self.history = certificate, versions
        self._attempt_ids = frozenset(attempt.id for attempt in attempts)
        self.title_line.show_crumbs("Certificates", certificate.name)
        newest = attempts[0] if attempts else None
        self.head.show(head_facts(certificate, verdict, newest, now, authority))
        self.versions.reload(ListSource(version_row(version, now) for version in versions))
        self.attempts.reload(ListSource(attempt_row(attempt, now) for attempt in attempts))
        self.targets.show(targets, now)
        self._show_tabs(len(versions), len(attempts))
        self.refresh_bindings()

    # Showing

    @property
    def _shown(self) -> RowTable:
        """The table the keys are for."""
        return {"attempts": self.attempts, "targets": self.targets}.get(self._tab, self.versions)

    def _show_tabs(self, versions: int, attempts: int) -> None:
        counts: list[Cell] = []
        for tab, number in zip(TABS, (versions, attempts, len(self.targets.targets)), strict=True):
            tone = "active" if tab == self._tab else "muted"
            if tab == "targets" and self.targets.unwell:
                tone = "bad"
            counts.append((f"{tab.capitalize()} {number}", tone))
        self.status_line.tell(counts=counts, position=self._shown.position)

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        if event.table is self._shown:
            self.status_line.tell(position=event.table.position)
            self._show_pane()
            self.refresh_bindings()

    def on_row_table_marked(self, event: RowTable.Marked) -> None:
        self.status_line.tell(marks=len(self.targets.marks))

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        self.app.push_screen(row_screen(event.row.data))

    def on_resize(self) -> None:
        self._show_pane()

    def _show_pane(self) -> None:
        """Tell about the row in the pane, if there is one."""
        row = self._shown.row
        if row is None or not self.has_class("-wide"):
            self.pane.clear()
        else:
            self.run_worker(self._tell(row.data), group="pane", exclusive=True)

    async def _tell(self, shown: Shown) -> None:
        try:
            self.pane.show(await row_facts(self.core, shown))
        except KmtuiError as error:
            self.pane.clear(str(error))

    # Keys

    def impossible(self, key: str) -> str:
        on_target = key == "delete" and self._tab == "targets"
        if not on_target and (reason := self.against_act(key)):
            return reason
        if reason := vault_reason(self.core, key) if key in KEYS else "":
            return reason
        if key == "diff":
            return diff_reason(self.version, self.versions.count)
        if self._tab != "targets" or key != "edit":
            reason = form_reason(self.core, key, [self.certificate_id], self.certificate)
            if reason:
                return reason
        if key == "rollback":
            return rollback_reason(self.version, self.targets.targets)
        if on_target or (key == "edit" and self._tab == "targets"):
            return target_reason(key, [self._target] if self._target else [], self.current)
        return "" if key in ("delete", "edit") else target_reason(key, self._chosen, self.current)

    @property
    def version(self) -> Version | None:
        """The version under the cursor of the versions."""
        row = self.versions.row
        return row.data if row is not None and self._tab == "versions" else None

    @property
    def places(self) -> Sequence[Target]:
        return self.targets.targets

    @property
    def _target(self) -> Target | None:
        """The target under the cursor of the targets."""
        row = self.targets.row
        return row.data if row is not None and self._tab == "targets" else None

    @property
    def _chosen(self) -> list[Target]:
        """The targets that keys are for: those chosen in their list; elsewhere all."""
        return self.targets.chosen_targets if self._tab == "targets" else list(self.targets.targets)

    def copied(self) -> str:
        return row_text(self._shown.row.data) if self._shown.row is not None else ""

    def action_back(self) -> None:
        """One thing at a time: marks, screen."""
        if not self.targets.clear_marks():
            super().action_back()

    def action_next_pane(self) -> None:
        self.remove_class(f"-{self._tab}")
        self._tab = TABS[(TABS.index(self._tab) + 1) % len(TABS)]
        self.add_class(f"-{self._tab}")
        self.key_bar.show_keys(tuple(dict.fromkeys((*KEY_LINES[self._tab], *REST))))
        self._show_tabs(self.versions.count, self.attempts.count)
        self._show_pane()
        # A hidden table takes no focus: it is shown at the next refresh.
        self.call_after_refresh(self._shown.focus)

    def action_export(self) -> None:
        version = self.version.number if self.version is not None else None
        self.start(self._forms.export([self.certificate_id], version=version), "export")

    def action_diff(self) -> None:
        if self.version is not None:
            self._forms.compare(self.version)

    def action_deploy(self) -> None:
        if self.certificate is not None and self._chosen:
            self._deploying.deploy(self._chosen, self.certificate)

    def action_rollback(self) -> None:
        if self.version is not None:
            self._deploying.roll_back(self.targets.targets, self.version, self.current)

    def action_test(self) -> None:
        self._deploying.verify(self._chosen)

    def action_new(self) -> None:
        form = TargetForm(self.certificate_id)
        self.app.push_screen(form, lambda _: self._find(form.made))

    def _find(self, made: str) -> None:
        """Go to the target that was made."""
        if made:
            while self._tab != "targets":
                self.action_next_pane()
            self.start(self._read(), "certificate")
            self.targets.select(made)

    def action_edit(self) -> None:
        if self._target is not None:
            self.app.push_screen(TargetForm(self.certificate_id, self._target))
        elif self._tab != "targets":
            self._forms.edit(self.certificate_id)

    def action_move(self) -> None:
        self.start(self._forms.move([self.certificate_id]), "move")

    def action_delete(self) -> None:
        """The target under the cursor; elsewhere the certificate."""
        if self._target is not None:
            self._deploying.delete(self._target)
        elif self._tab != "targets":
            super().action_delete()

    def action_last_error(self) -> None:
        """What is wrong with the row; where nothing is, the last error anywhere."""
        screen = row_error(self._shown.row.data) if self._shown.row is not None else None
        if screen is not None:
            self.app.push_screen(screen)
        else:
            self.call_later(self.app.run_action, "last_error")
