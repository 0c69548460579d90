"""How requests ended, as exit codes of the command contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kmtui.core.errors import KmtuiError
from kmtui.model import Problem, Request, RequestStatus

FAILED = 1
PARTLY = 3
PARKED = 75


def exit_code(request: Request) -> int:
    """0 issued, 1 failed or cancelled, 75 parked or still under way."""
    status = RequestStatus(request.status)
    if status in (RequestStatus.AVAILABLE, RequestStatus.SAVED):
        return 0
    return PARKED if status.active else FAILED


def batch_exit_code(codes: Sequence[int]) -> int:
    """The one code of all when they agree; else 3, partly done."""
    return codes[0] if len(set(codes)) == 1 else PARTLY if codes else 0


def summary(codes: Sequence[int], seconds: float) -> dict[str, float]:
    """The counts that a batch ends with."""
    counted = Counter(codes)
    return {
        "available": counted[0],
        "failed": counted[FAILED],
        "parked": counted[PARKED],
        "seconds": round(seconds, 3),
    }


def as_error(problem: Problem) -> KmtuiError:
    """The reason of a failed request as the error its command ends with."""
    what = problem.what or problem.detail or problem.short_type
    error = KmtuiError(what, hint=problem.hint, problem=problem)
    error.code = problem.short_type
    return error
