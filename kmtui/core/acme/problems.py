"""Problem documents, read tolerantly, and the errors they become (RFC 8555 section 6.7, RFC 7807).

What a CA says about a failure must never cause a second one: every field may be missing, of the
wrong type or absurdly long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from kmtui.core.acme.advice import (
    ACCOUNT_GONE,
    ADVICE,
    MOVED_STATUSES,
    REPLACES_REFUSED,
    Action,
    Advice,
    advice_for,
)
from kmtui.core.errors import AcmeError, CaUnreachable, ProtocolViolation, ResponseLost
from kmtui.model import Problem, SubProblem

LONGEST_DETAIL = 4000
"""Characters of a problem's detail that are kept."""
LONGEST_IN_MESSAGE = 500
"""Characters of it that are repeated in an error's message."""
MOST_SUBPROBLEMS = 200


def parse_problem(
    document: Mapping[str, Any],
    *,
    http_status: int | None = None,
    retry_after: float | None = None,
    where: str = "",
    in_challenge: bool = False,
    links: Mapping[str, Sequence[str]] | None = None,
) -> Problem:
    """The problem a JSON object describes; `links` are the reply's Link headers by relation."""
    type_ = _text(document, "type") or "about:blank"
    detail = _text(document, "detail") or _text(document, "title")
    advice = advice_for(type_, detail, status=http_status, in_challenge=in_challenge)
    hint = advice.hint
    if accepted := _words(document.get("algorithms")):
        hint += f" (the CA accepts {accepted})"
    return Problem(
        type=type_,
        detail=detail,
        what=advice.what,
        hint=hint,
        where=where,
        http_status=http_status,
        retry_after=retry_after,
        subproblems=_subproblems(document.get("subproblems")),
        instance=_text(document, "instance") or _human_link(links or {}),
    )


def bare_problem(
    http_status: int, content_type: str, body: str, *, retry_after: float | None, where: str
) -> Problem:
    """The problem behind an error reply that is no problem document: a proxy, a load balancer."""
    type_ = "kmtui:http-error"
    if http_status in (429, 502, 503, 504):
        type_ = "kmtui:overloaded"
    elif http_status >= 500:
        type_ = "about:blank"
    try:
        phrase = f"HTTP {http_status} {HTTPStatus(http_status).phrase}"
    except ValueError:
        phrase = f"HTTP {http_status}"
    said = " ".join(re.sub(r"<[^<>]*>", " ", body[:LONGEST_DETAIL]).split())[:LONGEST_IN_MESSAGE]
    detail = f"{phrase} ({content_type or 'no content type'})" + (f": {said}" if said else "")
    advice = advice_for(type_, "", status=http_status, in_challenge=False)
    return Problem(
        type=type_,
        detail=detail,
        what=advice.what,
        hint=advice.hint,
        where=where,
        http_status=http_status,
        retry_after=retry_after,
    )


def own_problem(
    type_: str, detail: str = "", *, where: str = "", retry_after: float | None = None
) -> Problem:
    """A problem no document reports, told by one of our own type words."""
    advice = advice_for(type_, detail, status=None, in_challenge=False)
    return Problem(
        type=type_,
        detail=detail,
        what=advice.what,
        hint=advice.hint,
        where=where,
        retry_after=retry_after,
    )


def refusal(problem: Problem) -> AcmeError:
    """The error for a problem the CA reported."""
    short = problem.detail[:LONGEST_IN_MESSAGE]
    if len(problem.detail) > LONGEST_IN_MESSAGE:
        short += "…"
    message = f"{problem.what}: {short}" if short else problem.what
    unreachable = problem.type == "kmtui:overloaded"
    return (CaUnreachable if unreachable else AcmeError)(
        message, hint=problem.hint, problem=problem
    )


def unreachable(type_: str, detail: str, *, where: str) -> CaUnreachable:
    """The error for a call that brought no reply; ResponseLost when the CA may have acted."""
    problem = own_problem(type_, detail, where=where)
    lost = type_ == "kmtui:response-lost"
    return (ResponseLost if lost else CaUnreachable)(
        f"{problem.what}: {detail}", hint=problem.hint, problem=problem
    )


def violation(message: str, *, detail: str = "", where: str = "") -> ProtocolViolation:
    """The error for an answer that must not be acted on; `detail` quotes the CA."""
    problem = own_problem("kmtui:protocol", detail[:LONGEST_DETAIL] or message, where=where)
    return ProtocolViolation(message, hint=problem.hint, problem=problem)


def action_for(problem: Problem, *, in_challenge: bool = False, replaces: bool = False) -> Action:
    """What to do about a problem; a rate limit without an end needs a human.

    `replaces` tells that it answers a newOrder that named a predecessor: the first thing to leave
    out (RFC 9773 section 5).
    """
    if replaces and problem.http_status in REPLACES_REFUSED:
        return Action.DROP_REPLACES
    # RFC 8555 section 6.6: Retry-After says when; a pause at Let's Encrypt has none.
    if problem.short_type == "rateLimited" and problem.retry_after is None:
        return Action.NEEDS_HUMAN
    return _advice_of(problem, in_challenge=in_challenge).action


def asks_for_agreement(problem: Problem | None) -> bool:
    """Whether a human has to read something, terms of service mostly, and agree (section 7.3.3)."""
    asked = (ADVICE["agreementRequired"], ADVICE["userActionRequired"])
    return problem is not None and _advice_of(problem) in asked


def tells_of_deactivation(problem: Problem | None) -> bool:
    """Whether the CA refused because the account is deactivated."""
    return problem is not None and _advice_of(problem) is ACCOUNT_GONE


def tells_of_move(problem: Problem | None) -> bool:
    """Whether a service's refusal is a reason to read the CA's directory again."""
    return problem is not None and problem.http_status in MOVED_STATUSES


def _advice_of(problem: Problem, *, in_challenge: bool = False) -> Advice:
    return advice_for(
        problem.type, problem.detail, status=problem.http_status, in_challenge=in_challenge
    )


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value[:LONGEST_DETAIL] if isinstance(value, str) else ""


def _words(value: object) -> str:
    if not isinstance(value, list):
        return ""
    return ", ".join(word[:40] for word in value[:20] if isinstance(word, str))


def _subproblems(value: object) -> tuple[SubProblem, ...]:
    if not isinstance(value, list):
        return ()
    found = []
    for part in value[:MOST_SUBPROBLEMS]:
        if isinstance(part, dict):
            identifier = part.get("identifier")
            name = _text(identifier, "value") if isinstance(identifier, dict) else ""
            found.append(
                SubProblem(identifier=name, type=_text(part, "type"), detail=_text(part, "detail"))
            )
    return tuple(found)


def _human_link(links: Mapping[str, Sequence[str]]) -> str:
    """RFC 8555 sections 6.6 and 7.3.3: where a human reads on."""
    for relation in ("terms-of-service", "help"):
        if links.get(relation):
            return links[relation][0]
    return ""
