"""Moves under way: started on one page, followed to their end, each result listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kmtui.core.errors import KmtuiError, OverLimit
from kmtui.core.together import together
from kmtui.model import Request, RequestStatus
from kmtui.screens.anyway import ask_anyway
from kmtui.screens.results import Result, Results, show_results

if TYPE_CHECKING:
    from kmtui.core.moving import Removal
    from kmtui.core.successors import Outcome
    from kmtui.screens.page import Page
    from kmtui.screens.request import RequestScreen

TITLE = "move"
ENDS: dict[str, tuple[str, str, str]] = {
    RequestStatus.SAVED: ("moved", "done", ""),
    RequestStatus.AVAILABLE: ("issued", "available", "waits to be saved: s saves it"),
    RequestStatus.PARKED: ("parked", "parked", "taken up by itself"),
    RequestStatus.CANCELLED: ("cancelled", "cancelled", ""),
}
"""By how a request ended: the word for it, the status word it looks like, what to know."""


class Moving:
    """Moves asked for on one page. The work goes on when the page is left."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def move(self, removal: Removal) -> None:
        """Move what fits; the rest is listed with what stands in its way."""
        self._page.start(self._move(removal), TITLE)

    async def _move(
        self, removal: Removal, results: Results | None = None, *, forced: bool = False
    ) -> None:
        """`results` are those of the first time, for what is tried once more."""
        core = self._page.core
        outcomes = await core.moves.start(removal, force=forced)
        started = [outcome for outcome in outcomes if outcome.request is not None]
        if results is not None:
            results.again([outcome.certificate.name for outcome in outcomes])
        else:
            results = Results(TITLE, len(outcomes))
        several = results.total > 1
        in_view = show_results(self._page, results) if several else self._page
        if started and not several:
            where = removal.authority.title
            self._page.tell(f"moving {started[0].certificate.name} to {where}…", "working")
        over = [outcome for outcome in outcomes if isinstance(outcome.error, OverLimit)]
        for outcome in outcomes:
            if outcome.error is not None:
                results.add(Result.of_error(outcome.certificate.name, outcome.error))
        if over:
            self._ask_anyway(in_view, removal, over, results if several else None)
        await together(self._follow(outcome, results) for outcome in started)
        try:
            if several or not over:
                results.conclude(self._page)
        finally:
            # What was saved gets its plan, and its CA is asked for the window.
            await core.renewal.wait(started)

    async def _follow(self, outcome: Outcome, results: Results) -> None:
        """See one request through, and list how it ended."""
        assert outcome.request is not None
        request = await self._page.core.requests.see_through(outcome.request.id)
        results.add(ended(outcome.certificate.name, request))

    def _ask_anyway(
        self, in_view: Page, removal: Removal, over: Sequence[Outcome], results: Results | None
    ) -> None:
        """Those that are over our own count of the CA's limits."""
        wanted = {outcome.certificate.id for outcome in over}
        moves = tuple(move for move in removal.moves if move.certificate.id in wanted)
        again = replace(removal, moves=moves)
        ask_anyway(
            in_view,
            [(outcome.certificate.name, str(outcome.error)) for outcome in over],
            lambda: self._page.start(self._move(again, results, forced=True), TITLE),
        )


def ended(name: str, request: Request) -> Result:
    """How a request ended, as a row of the results."""

    def screen() -> RequestScreen:
        from kmtui.screens.request import RequestScreen

        return RequestScreen(request.id)

    if request.status in ENDS:
        word, status, why = ENDS[request.status]
        said = why or f"version {request.version} by request #{request.number}"
        return Result(name=name, word=word, status=status, why=said, screen=screen)
    problem = request.problem
    what = (problem.what or problem.detail) if problem else f"request is {request.status}"
    hint = problem.hint if problem else ""
    return Result.of_error(name, KmtuiError(what, hint=hint, problem=problem))
