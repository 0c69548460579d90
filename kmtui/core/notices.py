"""What operators are told: one subject and a plain text, of what needs a look and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kmtui.core.last_run import LastRun
from kmtui.core.problems import counted
from kmtui.model import Alert, Certificate, Version
from kmtui.text import one_line

MOST_LINES = 50
"""Of one kind; more would hide what matters."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message, wherever it goes."""

    kind: str
    """`alarm`, `digest` or `test`."""
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What there is to tell about an inventory at one moment."""

    host: str
    now: datetime
    alerts: Sequence[Alert]
    """All that stand."""
    new: Sequence[Alert]
    """Those that were not told yet."""
    issued: Sequence[Version]
    """Versions that came since the last digest."""
    soon: Sequence[Certificate]
    """Certificates whose renewal comes within a week, the first first."""
    certificates: int
    last_run: LastRun | None


def alarm(state: State) -> Notice:
    """What is new among what needs a look."""
    one = state.new[0]
    what = _alert(one) if len(state.new) == 1 else ""
    subject = what or f"{len(state.new)} new things need a look"
    others = len(state.alerts) - len(state.new)
    text = _section("Needs a look", map(_alert, state.new))
    if others > 0:
        text += f"{counted(others, 'thing')} told before still stand: kmtui check\n\n"
    return Notice("alarm", _subject(state, subject), text + _end(state))


def digest(state: State) -> Notice:
    """The day in one message, also when all is well: its absence is a sign, too."""
    if state.alerts:
        verb = "needs" if len(state.alerts) == 1 else "need"
        subject = f"{counted(len(state.alerts), 'thing')} {verb} a look"
    else:
        subject = f"all is well, {counted(state.certificates, 'certificate')}"
    if state.issued:
        subject += f", {len(state.issued)} issued"
    text = (
        _section("Needs a look", map(_alert, state.alerts))
        + _section("Issued since the last message", map(_issued, state.issued))
        + _section("Renewed within a week", map(_soon, state.soon))
    )
    return Notice("digest", _subject(state, subject), text + _end(state))


def test(host: str, actor: str) -> Notice:
    """Something to see whether messages come through."""
    text = f"{actor} asked for this to see whether messages come through. They do.\n"
    return Notice("test", f"kmtui on {host}: a test", text)


def _subject(state: State, text: str) -> str:
    return one_line(f"kmtui on {state.host}: {text}", 150)


def _section(title: str, lines: Iterable[str]) -> str:
    found = list(lines)
    if not found:
        return ""
    shown = [f"  {one_line(line, 400)}" for line in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        shown.append(f"  and {len(found) - MOST_LINES} more")
    return "\n".join([title, *shown]) + "\n\n"


def _alert(alert: Alert) -> str:
    return f"{alert.certificate or alert.ca or alert.what}: {alert.text}"


def _issued(version: Version) -> str:
    waits = "" if version.saved_at else ", waits to be saved"
    until = f"valid until {_day(version.not_after)}{waits}"
    return f"{version.certificate}: version {version.number} ({version.why}), {until}"


def _soon(row: Certificate) -> str:
    when = row.renew_at
    expires = f", expires on {_day(row.not_after)}" if row.not_after else ""
    return f"{row.name}: {f'from {_day(when)}' if when else 'soon'}{expires}"


def _end(state: State) -> str:
    run = state.last_run
    if run is None:
        return f"{counted(state.certificates, 'certificate')}\n"
    did = f"{run.due} due, {run.renewed} renewed, {run.failed} failed"
    at = f"{run.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{counted(state.certificates, 'certificate')}; last run {at}: {run.error or did}\n"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
