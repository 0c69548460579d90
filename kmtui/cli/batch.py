"""Many requests at once: one per line of a file, each with its own end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmtui.cli import documents
from kmtui.cli.outcome import FAILED, batch_exit_code, exit_code, summary
from kmtui.cli.output import Output, counted, table
from kmtui.cli.values import read_text
from kmtui.core.errors import InvalidInput, KmtuiError, VaultError
from kmtui.model import Request, RequestSpec
from kmtui.status import request_cell

if TYPE_CHECKING:
    from kmtui.core.core import Core

ATTEMPTS_AT_ONCE = 16
"""Requests under way at a time: CAs answer more with a rate limit, not with more speed."""


def names_by_line(source: str) -> list[tuple[str, ...]]:
    """The names of each line, split at spaces and commas; ``#`` starts a comment.

    ``-`` reads standard input. Raises InvalidInput.
    """
    text = sys.stdin.read() if source == "-" else read_text(Path(source), "from")
    lines = [line.partition("#")[0].replace(",", " ").split() for line in text.splitlines()]
    found = [tuple(names) for names in lines if names]
    if not found:
        raise InvalidInput("no line holds a name", field="from")
    return found


async def run_batch(
    core: Core, out: Output, specs: Sequence[RequestSpec], seconds: float | None
) -> int:
    """Request each spec, wait for each at most `seconds` (None: not at all), answer with all."""
    started = time.monotonic()
    gate = asyncio.Semaphore(ATTEMPTS_AT_ONCE)
    ended = 0

    async def attempt(spec: RequestSpec) -> Request | KmtuiError:
        nonlocal ended
        async with gate:
            result = await _attempt(core, spec, seconds)
        ended += 1
        _note(out, f"{ended}/{len(specs)}", spec, result)
        return result

    async with asyncio.TaskGroup() as tasks:
        attempts = [tasks.create_task(attempt(spec)) for spec in specs]
    results = [task.result() for task in attempts]
    codes = [_code(result, waited=seconds is not None) for result in results]
    totals = summary(codes, time.monotonic() - started)
    out.answer(
        {
            "requests": [_document(*pair) for pair in zip(specs, results, strict=True)],
            "summary": totals,
        },
        [
            *table(
                ["#", "names", "status", "version", "why"],
                [_row(*pair) for pair in zip(specs, results, strict=True)],
            ),
            f"{counted(len(specs), 'request')}: {totals['available']} available, "
            f"{totals['failed']} failed, {totals['parked']} parked",
        ],
    )
    return batch_exit_code(codes)


async def _attempt(core: Core, spec: RequestSpec, seconds: float | None) -> Request | KmtuiError:
    """The request as it ended, or why it was never sent; a locked vault stops everything."""
    try:
        request = await core.requests.create(spec, start=seconds is not None)
    except VaultError:
        raise
    except KmtuiError as error:
        return error
    if seconds is None:
        return request
    await core.requests.wait(request.id, seconds=seconds)
    return await core.requests.park(request.id)


def _code(result: Request | KmtuiError, *, waited: bool) -> int:
    if isinstance(result, KmtuiError):
        return FAILED
    return exit_code(result) if waited else 0


def _note(out: Output, place: str, spec: RequestSpec, result: Request | KmtuiError) -> None:
    names = ", ".join(spec.names)
    if isinstance(result, KmtuiError):
        out.note(f"{place} refused {names}: {result.message}")
    else:
        out.note(f"{place} {result.status} {names} {request_cell(result)[0]}")


def _document(spec: RequestSpec, result: Request | KmtuiError) -> dict[str, Any]:
    if isinstance(result, Request):
        return documents.request(result)
    return {
        "id": None,
        "names": list(spec.names),
        "status": "failed",
        "version": None,
        "error": {
            "type": f"kmtui:{result.code}",
            "detail": result.message,
            "hint": result.hint,
            "subproblems": [],
        },
    }


def _row(spec: RequestSpec, result: Request | KmtuiError) -> tuple[object, ...]:
    if isinstance(result, KmtuiError):
        return (None, spec.names, "refused", None, result.message)
    return (result.number, result.names, result.status, result.version, request_cell(result)[0])
