"""When a failed request is sent again by itself, and when it must not be.

A POST whose answer was lost may have been carried out. Repeating is harmless for reading, for
newAccount (idempotent by key, RFC 8555 section 7.3.1), for newOrder (see there), for updates and
for revocation; it is not for answering a challenge and for finalize, whose callers look first.
"""

from __future__ import annotations

from kmtui.core.errors import AcmeError, CaUnreachable, ProtocolViolation, ResponseLost

TRIES = 6
"""In the foreground; what still fails then is parked by the caller."""
PATIENCE = 60.0
"""Seconds that a caller's request may spend waiting for another try."""
FIRST_PAUSE = 0.5
"""Seconds, doubled each time: 0.5, 1, 2, 4, 8 bridge a restart of the CA or a network change."""


def pause(error: AcmeError, attempt: int, *, repeatable: bool, jitter: float) -> float | None:
    """Seconds until the next try, None when there must be none.

    `attempt` counts from 1; `repeatable` tells that carrying the request out twice does no harm;
    `jitter` is a random number from 0 to 1.
    """
    if not passing(error) or not (repeatable or _not_carried_out(error)):
        return None
    own: float = FIRST_PAUSE * 2 ** (attempt - 1) * (1 + jitter) / 2
    asked = error.problem.retry_after if error.problem else None
    return own if asked is None else max(asked, own)


def passing(error: AcmeError) -> bool:
    """Whether the same request may well succeed later without anybody doing anything."""
    problem = error.problem
    if isinstance(error, ProtocolViolation) or (problem and problem.type == "kmtui:ca-untrusted"):
        return False
    if problem is None or problem.http_status is None:
        return isinstance(error, CaUnreachable)
    if problem.http_status == 429:
        return problem.retry_after is not None
    # 501 is how a CA says that it will never do this.
    return problem.http_status >= 500 and problem.http_status != 501


def surely_undone(error: AcmeError) -> bool:
    """Whether the CA certainly did nothing of what this request asked for, or refused all of it."""
    if isinstance(error, ProtocolViolation):
        return False
    status = error.problem.http_status if error.problem else None
    return _not_carried_out(error) or (status is not None and 400 <= status < 500)


def _not_carried_out(error: AcmeError) -> bool:
    """Whether the CA certainly did nothing: not connected, or turned away at the door."""
    if isinstance(error, ResponseLost):
        return False
    if error.problem is None or error.problem.http_status is None:
        return isinstance(error, CaUnreachable)
    return error.problem.http_status in (429, 503) and error.problem.retry_after is not None
