"""Requests watched from the command line: their logs on standard error as they grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kmtui.cli.output import Output
from kmtui.core.events import Event, RequestLogged
from kmtui.model import Request
from kmtui.status import clock, look

if TYPE_CHECKING:
    from kmtui.core.core import Core


@asynccontextmanager
async def watching(core: Core, out: Output, requests: Sequence[Request]) -> AsyncIterator[None]:
    """Print each new log line of these requests while the block runs, and what is left after it."""
    watch = _Watch(core, out, {request.id: request.number for request in requests})
    unsubscribe = core.bus.subscribe(watch.heard)
    printing = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        unsubscribe()
        printing.cancel()
        await asyncio.gather(printing, return_exceptions=True)
        await watch.print_new()


class _Watch:
    """Which lines of which requests were printed."""

    def __init__(self, core: Core, out: Output, numbers: dict[str, int]) -> None:
        self._core = core
        self._out = out
        self._numbers = numbers
        self._printed = dict.fromkeys(numbers, 0)
        self._grown = asyncio.Event()
        self._to_read = set(numbers)

    def heard(self, event: Event) -> None:
        """The log of a request grew."""
        if isinstance(event, RequestLogged) and event.id in self._numbers:
            self._to_read.add(event.id)
            self._grown.set()

    async def run(self) -> None:
        """Print until cancelled."""
        while True:
            await self._grown.wait()
            self._grown.clear()
            await self.print_new()

    async def print_new(self) -> None:
        """Print what came since the last time."""
        while self._to_read:
            request_id = self._to_read.pop()
            lines = await self._core.requests.log(request_id)
            new = lines[self._printed[request_id] :]
            self._printed[request_id] = len(lines)
            for line in new:
                mark = look(line.level).glyph
                self._out.note(f"{clock(line.at)} #{self._numbers[request_id]} {mark} {line.text}")
