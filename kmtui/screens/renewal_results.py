"""What became of a renewal as a line of a list of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmtui.core.errors import KmtuiError
from kmtui.model import RequestStatus
from kmtui.screens.results import Result, certificate_screen

if TYPE_CHECKING:
    from kmtui.core.successors import Outcome

WORDS: dict[str, tuple[str, str]] = {
    RequestStatus.SAVED: ("renewed", "done"),
    RequestStatus.AVAILABLE: ("issued", "available"),
    RequestStatus.PARKED: ("parked", "parked"),
    RequestStatus.CANCELLED: ("cancelled", "cancelled"),
}
"""Word and look of each way in which a request ends, but for failure."""


def renewal_result(outcome: Outcome) -> Result:
    """The result of one certificate; one that is still under way elsewhere is told as it stands."""
    name, request = outcome.certificate.name, outcome.request
    if request is None:
        return Result.of_error(
            name, outcome.error or KmtuiError("it was not started"), "not started"
        )
    problem = request.problem
    if request.status == RequestStatus.FAILED:
        what = (problem.what or problem.detail) if problem else "the request failed"
        error = KmtuiError(what, hint=problem.hint if problem else "", problem=problem)
        return Result.of_error(name, error)
    word, status = WORDS.get(request.status, (request.status, request.status))
    said: dict[str, str] = {
        RequestStatus.SAVED: f"v{request.version} is current now",
        RequestStatus.AVAILABLE: f"v{request.version} waits: s saves it",
    }
    why = said.get(request.status, (problem.what or problem.detail) if problem else request.step)
    screen = certificate_screen(outcome.certificate.id)
    return Result(name=name, word=word, status=status, why=why, screen=screen)
