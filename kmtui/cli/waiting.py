"""Successors on the command line: waited for with their logs, and told how each ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kmtui.cli import deploying, target_report
from kmtui.cli.outcome import as_error, batch_exit_code, summary
from kmtui.cli.output import Output, error_document
from kmtui.cli.renew import code_of, document_of, outcome_lines
from kmtui.cli.watch import watching
from kmtui.model import RequestStatus

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


async def seen_through(
    core: Core,
    out: Output,
    outcomes: Sequence[Outcome],
    seconds: float | None,
    extra: Mapping[str, Any] | None = None,
) -> int:
    """Wait for successors that were started (None: not at all), answer, and give the exit code.

    `extra` joins the document. A single one that could not even be asked for is raised.
    """
    started = time.monotonic()
    if len(outcomes) == 1 and outcomes[0].error is not None:
        raise outcomes[0].error
    if seconds is not None:
        outcomes = await waited(core, out, outcomes, seconds)
    codes = [code_of(outcome) for outcome in outcomes]
    documents = [document_of(outcome) for outcome in outcomes]
    targets = await core.deployments.settled()
    document: dict[str, Any] = {
        **(extra or {}),
        "requests": documents,
        "targets": [target_report.target(target) for target in targets],
        "summary": summary(codes, time.monotonic() - started) | deploying.counts(targets),
    }
    if len(outcomes) == 1:
        document["request"] = documents[0]
        only = outcomes[0].request
        if only and only.status == RequestStatus.FAILED and only.problem is not None:
            document["error"] = error_document(as_error(only.problem))
    lines = outcome_lines(outcomes)
    out.answer(document, [*lines, *(target_report.target_lines(targets) if targets else ())])
    if seconds is None and all(outcome.request for outcome in outcomes):
        return 0
    return batch_exit_code([*codes, *map(deploying.code_of, targets)])
