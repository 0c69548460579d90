"""Renewal in the words of the screens: is it due, since when, why; what was tried; what is next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kmtui.core.due import TOO_MANY_FAILURES
from kmtui.model import ACTIVE_STATUSES, Certificate, Problem, Request, RequestStatus, Verdict
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.here import with_keys
from kmtui.status import DAY, Cell, date, status_cell, when
from kmtui.text import one_line, shorten
from kmtui.widgets.details import Fact

SAID = 160
"""Cells of the CA's own words; the key ``!`` shows all of them."""
NAMED = 6
"""Names that are listed; of more only their number."""
BY_COMMAND = "by kmtui renew --due"

_TONES = {
    "unsaved": "accent",
    "under-way": "working",
    "retry-later": "bad",
    "needs-human": "bad",
    "obstacle": "bad",
}
"""Of what is in the way of a renewal whose time has come."""
_TOLD_BELOW = ("retry-later", "needs-human")
_TIMES = "failed {} times in a row"


def verdict_facts(verdict: Verdict, newest: Request | None, now: datetime) -> list[Fact]:
    """All that is known about renewing one certificate; `newest` is its last request."""
    facts: list[Fact] = [("renewal", standing(verdict, now))]
    if verdict.explanation_url:
        facts.append((CONTINUED, (f"the CA's reason: {verdict.explanation_url}", "muted")))
    facts += attempt_facts(newest, now)
    facts.append(("next try", next_try(verdict, newest, now)))
    if verdict.failures >= TOO_MANY_FAILURES:
        often = f"{verdict.failures} renewals failed in a row"
        facts.append(("advice", (f"{often}: w keeps it off until it is repaired", "warn")))
    return facts


def standing(verdict: Verdict, now: datetime) -> Cell:
    """Due or not, since or from when, and why: one sentence."""
    if verdict.at is None:
        off = verdict.blocked == "auto-renew-off"
        return ("off: nothing renews it unattended", "warn") if off else (verdict.why, "muted")
    if verdict.at > now:
        return f"not due before {when(verdict.at)}: {_not_yet(verdict)}", ""
    since = f"due since {when(verdict.at)}"
    if verdict.due:
        return f"{since}: {verdict.why}", "warn"
    often = _TIMES.format(verdict.failures) if verdict.failures > 1 else "failed"
    why = often if verdict.blocked in _TOLD_BELOW else verdict.why
    return f"{since}{_reason(verdict)}, but {why}", _TONES.get(verdict.blocked, "")


def standing_in_short(verdict: Verdict, now: datetime) -> Cell:
    """The same in few words, where there is one line."""
    if verdict.at is None:
        return verdict.why, "muted"
    if verdict.at > now:
        return f"due on {date(verdict.at)}", ""
    if verdict.due:
        return f"due since {date(verdict.at)}", "warn"
    return f"due, but {_in_the_way(verdict)}", _TONES.get(verdict.blocked, "")


def attempt_facts(newest: Request | None, now: datetime) -> list[Fact]:
    """What was tried last and how it ended, with the other side's words."""
    if newest is None:
        return [("last try", ("nobody asked for a version yet", "muted"))]
    status, tone = status_cell(newest.status)
    head = f"#{newest.number} {newest.kind} {moment(newest.created_at, now)} {status}"
    if newest.status in (RequestStatus.AVAILABLE, RequestStatus.SAVED):
        return [("last try", (f"{head}: version {newest.version}", ""))]
    problem = present_problem(newest)
    if problem is None:
        step = f": {newest.step}" if newest.step and newest.step != status else ""
        return [("last try", (f"{head}{step}", tone))]
    facts: list[Fact] = [("last try", (f"{head}: {problem.what or problem.short_type}", tone))]
    if problem.detail and problem.detail not in problem.what:
        said = f"{problem.short_type} “{shorten(one_line(problem.detail), SAID)}”"
        facts.append((CONTINUED, (said, "muted")))
    return facts


def next_try(verdict: Verdict, newest: Request | None, now: datetime) -> Cell:
    """When it is tried again and by whom, or what an operator has to do first."""
    again = moment(verdict.next_try_at, now) if verdict.next_try_at else ""
    match verdict.blocked:
        case "retry-later":
            return f"{again} {BY_COMMAND}; r renews now", ""
        case "needs-human":
            return f"needs you: {_help(newest)}; r renews when done", "bad"
        case "obstacle":
            return f"needs you: {verdict.why}", "bad"
        case "unsaved":
            return "none needed: s saves the new version", "accent"
        case "under-way" if newest is not None and newest.status == RequestStatus.PARKED:
            return goes_on(newest, now, key="r in its attempt"), "warn"
        case "under-way":
            return f"goes on now: {verdict.why}", "working"
        case "revoked":
            return "none: r gets another one in its place", "warn"
        case "auto-renew-off":
            return "none: w switches it on, r renews by hand", "warn"
        case "":
            if verdict.due:
                return "by the next kmtui renew --due; r renews now", ""
            return (f"{when(verdict.at)} {BY_COMMAND}" if verdict.at else "none"), ""
    return "none", "muted"


def present_problem(request: Request) -> Problem | None:
    """What went wrong; nothing while it goes on: what set it aside before is over."""
    parked = request.status == RequestStatus.PARKED
    return request.problem if parked or request.status not in ACTIVE_STATUSES else None


def goes_on(request: Request, now: datetime, *, key: str = "r") -> str:
    """When a parked request goes on, and what makes it; `key` does it at once."""
    by_itself = "by itself while kmtui runs, or with kmtui resume"
    if request.not_before is None:
        return f"as soon as the vault is open, {by_itself}"
    if request.not_before <= now:
        return f"now, {by_itself}"
    return f"{moment(request.not_before, now)} {by_itself}; {key} goes on now"


def policy(certificate: Certificate) -> Cell:
    """What is set at the certificate."""
    renews = "on" if certificate.auto_renew else "off"
    means = (certificate.account or "no account", certificate.key_type, certificate.profile)
    said = f"auto-renew {renews} · auto-save {certificate.auto_save}"
    return " · ".join([said, *filter(None, means)]), "" if certificate.auto_renew else "warn"


def listed(names: Sequence[str]) -> str:
    """Names up to a few: ``a, b and 6 more``."""
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def hidden_words(hidden: int) -> str:
    """How many marked ones the filter does not show, behind a question; empty for none."""
    if not hidden:
        return ""
    return f" {hidden} {'is' if hidden == 1 else 'are'} hidden by the filter."


def moment(at: datetime, now: datetime) -> str:
    """The time of day within half a day of now, where it cannot be another day's; else all."""
    return when(at)[-5:] if abs(at - now) < DAY / 2 else when(at)


def _not_yet(verdict: Verdict) -> str:
    """Why it is not due; without the time, which was said."""
    return verdict.why.partition("; chosen: ")[0] if verdict.window else verdict.why


def _reason(verdict: Verdict) -> str:
    """Why the time has come, where the verdict tells what is in the way."""
    if verdict.window is None:
        return " by its lifetime"
    start, end = verdict.window
    until = when(end) if end - start > timedelta(hours=24) else when(end)[-5:]
    return f" (ARI: {when(start)} to {until})"


def _in_the_way(verdict: Verdict) -> str:
    times = "once" if verdict.failures == 1 else f"{verdict.failures} times"
    said = {
        "retry-later": f"failed {times}, last: {verdict.last_failure}",
        "needs-human": f"failed {times}, last: {verdict.last_failure}",
    }
    return said.get(verdict.blocked, verdict.why)


def _help(newest: Request | None) -> str:
    problem = newest.problem if newest else None
    if problem is None:
        return "look at the last try"
    said = with_keys(problem.hint) or problem.what
    return ", ".join(filter(None, (said, problem.instance)))
