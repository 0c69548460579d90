"""A target in the words of the screens: a row, a pane, a line at its end server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kmtui.model import Deployment, Problem, Target, TargetState
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.here import with_keys
from kmtui.screens.renewal_words import moment
from kmtui.status import Cell, ago, look, status_cell, when
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row

COLUMNS = (
    Column("NAME", 8, 20, flex=1),
    Column("SERVER", 8, 20, flex=1, drop=2),
    Column("WHERE", 14, 48, flex=2, middle=True, drop=3),
    Column("VERSION", 7),
    Column("STATE", 9),
    Column("NEXT / WHY", 22, flex=3),
)
NOT_WELL = (TargetState.FAILED, TargetState.STALE)
HOOK = "command"
"""In place of the end server, for a target that a command serves."""


def target_row(target: Target, now: datetime) -> Row:
    """A target as a row."""
    cells: tuple[Cell, ...] = (
        (target.name, ""),
        (target.server or HOOK, "" if target.server else "muted"),
        (where(target), ""),
        version_cell(target),
        status_cell(target.state),
        next_cell(target, now),
    )
    return Row(target.id, cells, target.state, target)


def where(target: Target) -> str:
    """The directory, or the command."""
    return target.directory or target.hook


def version_cell(target: Target) -> Cell:
    """Which version is there, and which one is wanted in its place: ``v6>v7``, ``new v7``."""
    there, wanted = target.version, target.wanted_version
    if wanted is None or wanted == there:
        return (f"v{there}", "") if there else ("none", "muted")
    return (f"v{there}>v{wanted}" if there else f"new v{wanted}"), "working"


def next_cell(target: Target, now: datetime) -> Cell:
    """What is going on, or when it is tried again and why it must be, or how it is known well."""
    if target.state == TargetState.UPLOADING:
        return target.step, "working"
    if target.error:
        tone = look(target.state).tone if target.state in NOT_WELL else "warn"
        return f"{_again(target, now)}{target.error}", tone
    if target.state == TargetState.WAITING:
        if target.wanted_version is None:
            return "no version is saved yet", "muted"
        return f"{_again(target, now)}p deploys now", "working"
    if target.state == TargetState.VERIFIED and target.verified_at is not None:
        return f"seen {ago(target.verified_at, now)} at {target.verify}", ""
    if target.deployed_at is not None:
        return f"{ago(target.deployed_at, now)} · nobody looks", "muted"
    return "", ""


def _again(target: Target, now: datetime) -> str:
    if target.next_attempt_at is None:
        return ""
    if target.next_attempt_at <= now:
        return "due · "
    return f"next {moment(target.next_attempt_at, now)} · "


def target_facts(target: Target, now: datetime, history: Sequence[Deployment] = ()) -> list[Fact]:
    """What the pane says about a target: how it stands, how it is set up, what was tried."""
    facts: list[Fact] = [
        (
            "",
            (f"{target.name} {'on' if target.server else 'by'} {target.server or HOOK}", "strong"),
        ),
        ("state", status_cell(target.state)),
        ("version", version_cell(target)),
        *standing_facts(target, now),
        ("", ""),
        *setting_facts(target),
    ]
    if history:
        facts += [("", ""), *history_facts(history)]
    return facts


def standing_facts(target: Target, now: datetime) -> list[Fact]:
    """What is going on or went wrong, what to do, and when it is tried again."""
    facts: list[Fact] = []
    if target.error and target.state != TargetState.UPLOADING:
        facts.append(("what", (target.error, "bad" if target.state in NOT_WELL else "warn")))
        if target.hint:
            facts.append(("next", with_keys(target.hint)))
    elif target.step:
        facts.append(("now" if target.state == TargetState.UPLOADING else "last", target.step))
    facts += again_fact(target, now)
    if target.deployed_at is not None:
        facts.append(("deployed", when(target.deployed_at)))
    if target.verified_at is not None:
        facts.append(("seen", when(target.verified_at)))
    return facts


def again_fact(target: Target, now: datetime) -> list[Fact]:
    """When something is done there by itself; nothing when there is nothing to do."""
    if target.next_attempt_at is None or target.state == TargetState.UPLOADING:
        return []
    failed = f", failed {target.failures} times in a row" if target.failures > 1 else ""
    due = target.next_attempt_at <= now
    at = "within half a minute" if due else moment(target.next_attempt_at, now)
    return [("again", (f"{at} by itself{failed}; p does it now", "warn"))]


def setting_facts(target: Target) -> list[Fact]:
    """How it is set up: the files that a server must name, and what is done with them."""
    from kmtui.core.deployment.layouts import paths  # imports cryptography

    verify: Fact = ("verify", target.verify or ("nobody looks: E says where", "muted"))
    if target.hook:
        return [("command", target.hook), verify]
    facts: list[Fact] = [
        (CONTINUED if at else "files", path) for at, path in enumerate(paths(target).values())
    ]
    if target.adopt:
        facts.append((CONTINUED, ("those of others that are there may be taken over", "warn")))
    owner = target.owner or "whoever logs in"
    return [
        *facts,
        ("kept", f"{target.layout} · owner {owner} · key {target.mode:04o}"),
        ("check", target.check_command or ("none", "muted")),
        ("reload", target.reload_command or ("none", "muted")),
        verify,
    ]


def problem_of_target(target: Target) -> Problem:
    """What is wrong with a target, for the key ``!``."""
    place = f"{target.server}:{target.directory}" if target.server else target.hook
    return Problem(
        type=f"kmtui:deployment-{target.state}",
        detail="",
        what=target.error,
        hint=target.hint,
        where=f"{target.name} · {place}",
    )


def history_facts(history: Sequence[Deployment], most: int = 8) -> list[Fact]:
    """The last attempts, newest first."""
    facts: list[Fact] = []
    for line in history[:most]:
        shown = look(line.outcome)
        said = f"{shown.glyph} {when(line.ended_at)} v{line.version} {line.outcome}"
        facts.append((CONTINUED if facts else "tries", (said, shown.tone)))
    if len(history) > most:
        facts.append((CONTINUED, (f"and {len(history) - most} before", "muted")))
    return facts


def in_short(targets: Sequence[Target]) -> Cell:
    """How the targets of a certificate stand: ``2 verified, 1 stale``."""
    if not targets:
        return "", ""
    counts = {state: sum(t.state == state for t in targets) for state in TargetState}
    said = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
    worst = next(state for state in _ORDER if counts[state])
    return said, look(worst).tone if worst != TargetState.DEPLOYED else ""


_ORDER = (
    TargetState.FAILED,
    TargetState.STALE,
    TargetState.UPLOADING,
    TargetState.WAITING,
    TargetState.DEPLOYED,
    TargetState.VERIFIED,
)
"""The worst first."""


def on_server_facts(targets: Sequence[Target]) -> list[Fact]:
    """The targets on an end server, a line each."""
    facts: list[Fact] = []
    for target in targets:
        shown = look(target.state)
        version, _ = version_cell(target)
        said = f"{shown.glyph} {target.certificate} {version} {target.state}  {where(target)}"
        facts.append((CONTINUED if facts else "Targets", (said, shown.tone)))
    return facts
