"""A request in the words of the screens: why it stands where it stands, and what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kmtui.model import LogLine, Request, RequestKind, RequestStatus
from kmtui.screens.error import problem_facts
from kmtui.screens.renewal_words import BY_COMMAND, goes_on, moment, present_problem
from kmtui.status import Cell, ago, duration, request_cell, when
from kmtui.widgets.details import Fact


def names_in_short(request: Request) -> str:
    """The first name and how many more: ``shop.example.org +2``; the label where there is none."""
    if not request.names:
        return request.certificate or "(no names yet)"
    more = len(request.names) - 1
    return f"{request.names[0]} +{more}" if more else request.names[0]


def why_cell(request: Request, now: datetime) -> Cell:
    """What the STEP / WHY column says: when it is tried again comes before why it is not yet."""
    text, tone = request_cell(request)
    later = request.not_before is not None and request.not_before > now
    if later and request.status == RequestStatus.FAILED:
        assert request.not_before is not None
        return f"next {moment(request.not_before, now)} · {text}", tone
    if request.status == RequestStatus.PARKED:
        why = request.problem.short_type if request.problem else ""
        until = moment(request.not_before, now) if later and request.not_before else "resumed"
        return f"until {until} · {': '.join(filter(None, (why, request.step)))}", "warn"
    return text, tone


def next_cell(request: Request, now: datetime) -> Cell:
    """When a request is taken up, or its certificate tried, again; empty when it is not."""
    if request.not_before is None or request.not_before <= now:
        return "", ""
    return moment(request.not_before, now), "warn"


def parked_at(request: Request, log: Sequence[LogLine]) -> datetime | None:
    """Since when a parked request waits: the moment at which the log says so."""
    if request.status != RequestStatus.PARKED or not log:
        return None
    told = [line.at for line in log if line.text == request.step]
    return (told or [line.at for line in log])[-1]


def request_facts(
    request: Request, now: datetime, *, held: str = "", since: datetime | None = None
) -> list[Fact]:
    """What the pane beside the list says; `held` and `since` as in `outlook_facts`."""
    facts: list[Fact] = [
        (f"#{request.number}", (f"{request.kind} {request.status}", "strong")),
        ("names", "\n".join(request.names)),
        ("account", request.account or "not chosen"),
        ("key", f"{request.spec.key_type}  {request.spec.profile or ''}".rstrip()),
        ("asked", f"{when(request.created_at)}  {ago(request.created_at, now)}"),
    ]
    if request.finished_at is not None:
        facts.append(("took", duration((request.finished_at - request.created_at).total_seconds())))
    if request.version is not None:
        facts.append(("version", f"{request.certificate} v{request.version}"))
    if request.order_url:
        facts.append(("order", request.order_url))
    facts += replaces_facts(request)
    facts += outlook_facts(request, now, held=held, since=since)
    if (problem := present_problem(request)) is not None:
        facts += [("", ""), *problem_facts(problem)]
    elif request.step:
        facts.append(("step", request.step))
    return facts


def outlook_facts(
    request: Request, now: datetime, *, held: str = "", since: datetime | None = None
) -> list[Fact]:
    """What happens next to a request that waits or failed; nothing for others.

    `held` is the other process that works on it, `since` when it was parked.
    """
    facts: list[Fact] = []
    if held:
        facts.append(("held by", (f"{held}, which works on it now", "warn")))
    elif request.status == RequestStatus.PARKED:
        waits = f"for the {_ordinal(request.retries)} time in a row" if request.retries > 1 else ""
        began = f"since {moment(since, now)}" if since else ""
        facts.append(("parked", (" ".join(filter(None, (began, waits))) or "set aside", "warn")))
        facts.append(("goes on", (goes_on(request, now), "warn")))
    elif request.status == RequestStatus.FAILED and request.kind == RequestKind.RENEW:
        if request.not_before is None:
            facts.append(("next try", ("needs you first, see Next; then r retries", "bad")))
        elif request.not_before > now:
            at = moment(request.not_before, now)
            facts.append(("next try", (f"{at} {BY_COMMAND}; r retries now", "")))
        else:
            facts.append(("next try", ("by the next kmtui renew --due; r retries now", "")))
    return facts


def replaces_facts(request: Request) -> list[Fact]:
    """The version that the CA was told this one replaces."""
    if request.replaces is None:
        return []
    return [("replaces", (f"{request.replaces} (ARI)", "muted"))]


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
