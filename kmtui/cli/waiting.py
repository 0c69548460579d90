"""Waiting for the requests of renewals, moves and the like, with their logs on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmtui.cli.output import Output
from kmtui.cli.watch import watching

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.successors import Outcome


async def waited(
    core: Core, out: Output, outcomes: Sequence[Outcome], seconds: float
) -> list[Outcome]:
    """The outcomes after `seconds` at most; what is still under way then is parked."""
    requests = [outcome.request for outcome in outcomes if outcome.request is not None]
    async with watching(core, out, requests):
        await core.renewal.wait(outcomes, seconds=seconds)
        for request in requests:
            await core.requests.park(request.id)
    return await core.renewal.wait(outcomes, seconds=0)
