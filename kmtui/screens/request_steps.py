"""The way of a request in steps, read from its status and what it has reached."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.model import Challenge, Request, RequestStatus
from kmtui.widgets.steps import Step

STEPS = ("account", "order", "challenges", "finalize", "download", "save")

_AT: dict[str, int] = {
    RequestStatus.DRAFT: 0,
    RequestStatus.QUEUED: 0,
    RequestStatus.ORDERING: 1,
    RequestStatus.PRESENTING: 2,
    RequestStatus.PROPAGATING: 2,
    RequestStatus.VALIDATING: 2,
    RequestStatus.FINALIZING: 3,
    RequestStatus.AVAILABLE: 5,
    RequestStatus.SAVED: 6,
}
"""The step that each status is at; a status that is none of these stopped somewhere."""
_STOPPED = {RequestStatus.FAILED: "failed", RequestStatus.CANCELLED: "failed"}


def steps_of(request: Request, challenges: Sequence[Challenge]) -> list[Step]:
    """What is done, what is going on or went wrong, what is to come."""
    at = _AT.get(request.status)
    if at is None:
        at = _reached(request, challenges)
    here = _STOPPED.get(RequestStatus(request.status), "now")
    if request.status == RequestStatus.DRAFT:
        here = "to come"
    valid = sum(challenge.status == "valid" for challenge in challenges)
    details = {"challenges": f"{valid} of {len(challenges)}" if challenges else ""}
    return [
        Step(
            word,
            "done" if place < at else here if place == at else "to come",
            details.get(word, ""),
        )
        for place, word in enumerate(STEPS)
    ]


def _reached(request: Request, challenges: Sequence[Challenge]) -> int:
    """How far a request came that failed, was cancelled or is parked."""
    if not request.order_url:
        return STEPS.index("order")
    if all(challenge.status == "valid" for challenge in challenges) and challenges:
        return STEPS.index("finalize")
    return STEPS.index("challenges")
