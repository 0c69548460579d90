"""Many requests at once: one per line of a file, each with its own end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmtui.cli import documents
from kmtui.cli.outcome import FAILED, batch_exit_code, exit_code, summary
from kmtui.cli.output import Output, counted, table
from kmtui.cli.progressbar import ProgressBar
from kmtui.cli.values import read_text
from kmtui.core.errors import InvalidInput, KmtuiError, VaultError
from kmtui.model import Request, RequestSpec
from kmtui.status import request_cell

if TYPE_CHECKING:
    from kmtui.core.core import Core

CREATED_AT_ONCE = 8
"""Requests whose keys are being made; once committed, all are under way together, and the CA, the
DNS account and the zone each bound what they are asked at a time."""


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
    core: Core,
    out: Output,
    specs: Sequence[RequestSpec],
    seconds: float | None,
    *,
    forced: bool = False,
) -> int:
    """Request each spec and answer with all.

    Nobody waits any longer when none has ended for `seconds` (None: nobody waits at all).
    """
    started = time.monotonic()
    with ProgressBar(out, len(specs)) as bar:
        results = await Batch(core, bar, specs, seconds, forced=forced).run()
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


class Batch:
    """Requests made and followed together."""

    def __init__(
        self,
        core: Core,
        bar: ProgressBar,
        specs: Sequence[RequestSpec],
        seconds: float | None,
        *,
        forced: bool,
    ) -> None:
        self._core = core
        self._bar = bar
        self._specs = specs
        self._seconds = seconds
        self._forced = forced
        self._creating = asyncio.Semaphore(CREATED_AT_ONCE)
        self._ends: Counter[str] = Counter()
        self._last_end = time.monotonic()

    async def run(self) -> list[Request | KmtuiError]:
        """Each request as it ended, or why it was never sent, in the order of the specs."""
        async with asyncio.TaskGroup() as tasks:
            attempts = [tasks.create_task(self._attempt(spec)) for spec in self._specs]
        return [task.result() for task in attempts]

    async def _attempt(self, spec: RequestSpec) -> Request | KmtuiError:
        result = await self._create(spec)
        if isinstance(result, Request) and self._seconds is not None:
            result = await self._follow(result, self._seconds)
        self._last_end = time.monotonic()
        self._tell(spec, result)
        return result

    async def _create(self, spec: RequestSpec) -> Request | KmtuiError:
        """The committed request; a locked vault stops everything."""
        async with self._creating:
            try:
                return await self._core.requests.create(
                    spec, start=self._seconds is not None, forced=self._forced
                )
            except VaultError:
                raise
            except KmtuiError as error:
                return error

    async def _follow(self, request: Request, seconds: float) -> Request:
        """The request at its end, or set aside when the whole batch stands still."""
        while (left := self._last_end + seconds - time.monotonic()) > 0:
            if await self._core.requests.ended(request.id, seconds=left):
                break
        return await self._core.requests.park(request.id)

    def _tell(self, spec: RequestSpec, result: Request | KmtuiError) -> None:
        """One line for what ended, and the count of each kind of end."""
        refused = isinstance(result, KmtuiError)
        word = "refused" if isinstance(result, KmtuiError) else str(result.status)
        why = result.message if isinstance(result, KmtuiError) else request_cell(result)[0]
        self._ends[word] += 1
        place = f"{self._ends.total()}/{len(self._specs)}"
        names = ", ".join(spec.names)
        self._bar.advance(
            f"{place} {word} {names}{':' if refused else ''} {why}",
            ", ".join(f"{count} {end}" for end, count in self._ends.items()),
        )


def _code(result: Request | KmtuiError, *, waited: bool) -> int:
    if isinstance(result, KmtuiError):
        return FAILED
    return exit_code(result) if waited else 0


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
