"""``kmtui resume``: go on with everything that was cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import deploying, documents, target_report
from kmtui.cli.group import group
from kmtui.cli.outcome import FAILED, batch_exit_code, exit_code, summary
from kmtui.cli.output import Output, counted, error_document, table
from kmtui.cli.session import with_core
from kmtui.cli.watch import watching
from kmtui.model import Request, Target
from kmtui.status import request_cell, when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.accounts import TakenUp
    from kmtui.core.core import Core

app = group()


@app.command("resume")
def resume(
    context: typer.Context,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait; then it is parked.")
    ] = 300,
) -> int:
    """Take up every unfinished request, deployment and pending clean-up, then return.

    Changes of account keys and deactivations are brought to their end. Requests go on with the key
    and the order they have. What waits for a later time stays parked; what another process works on
    is left to it.

    \b
    kmtui resume
    kmtui --json resume --timeout 60
    """

    async def act(core: Core, out: Output) -> int:
        started = time.monotonic()
        found = await core.recovery.run()
        async with watching(core, out, found.requests):
            seen = await asyncio.gather(*(ended(core, each, timeout) for each in found.requests))
        left = await core.requests.leftovers()
        # What another process still works on after so long is told there.
        ours = [request for request in seen if not core.requests.is_elsewhere(request)]
        requests = [*ours, *found.waiting]
        codes = [exit_code(request) for request in requests]
        targets = await core.deployments.settled()
        totals = summary(codes, time.monotonic() - started) | deploying.counts(targets)
        out.answer(
            {
                "requests": [documents.request(request) for request in requests],
                "targets": [target_report.target(target) for target in targets],
                "accounts": [_account(each) for each in found.accounts],
                "summary": {**totals, "cleaned": found.cleaned, "leftovers": left},
            },
            [
                *_account_lines(found.accounts),
                *_lines(requests, targets, found.cleaned, left, quiet=bool(found.accounts)),
            ],
        )
        accounts = [FAILED if each.error else 0 for each in found.accounts]
        return batch_exit_code([*codes, *map(deploying.code_of, targets), *accounts])

    return with_core(context, act, change=True)


async def ended(core: Core, request: Request, seconds: float) -> Request:
    """The request as it ended: set aside when it takes longer here, left to another process when
    it takes longer there."""
    request = await core.requests.see_through(request.id, seconds=seconds)
    if core.requests.is_elsewhere(request):
        return request
    return await core.requests.park(request.id)


def _account(taken_up: TakenUp) -> documents.Document:
    """An account whose change of key, or end, had been cut off; `error` where it still is."""
    error = error_document(taken_up.error) if taken_up.error else None
    return {**documents.account(taken_up.account), "error": error}


def _account_lines(accounts: Sequence[TakenUp]) -> list[str]:
    return [
        one_line(f"account {each.account.name}: not finished: {each.error}")
        if each.error
        else one_line(f"account {each.account.name}: {each.account.status}, nothing unfinished")
        for each in accounts
    ]


def _lines(
    requests: Sequence[Request],
    targets: Sequence[Target],
    cleaned: int,
    left: int,
    *,
    quiet: bool,
) -> list[str]:
    lines = table(
        ["#", "names", "status", "version", "not before", "why"],
        [
            (
                request.number,
                request.names,
                request.status,
                request.version,
                request.not_before and when(request.not_before),
                request_cell(request)[0],
            )
            for request in requests
        ],
    )
    if not requests:
        lines = [] if targets or quiet else ["nothing was cut off"]
    if targets:
        lines += target_report.target_lines(targets)
    if cleaned:
        lines.append(f"{counted(cleaned, 'leftover')} removed")
    if left:
        lines.append(f"{counted(left, 'leftover')} still there: kmtui cleanup shows them")
    return lines
