"""How long the caller of a DNS provider waits, and whom it tells while it does.

A vendor's limit may hold a call up for minutes. Whoever calls a provider opens `patience` around
the call; the code that has to wait asks `pause`, however deep below it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from kmtui.core.errors import DnsProviderError

DEFAULT_SECONDS = 60.0
"""Of a caller that says nothing."""

WORTH_TELLING = 2.0
"""Seconds: who waits shorter than that need not be told."""

Said = Callable[[str], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Until when a caller waits (event loop time), and what it is told meanwhile."""

    until: float
    said: Said | None = None


_PATIENCE: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float, said: Said | None = None) -> Iterator[None]:
    """Calls of a provider in this block end within `seconds`; `said` is told of long waits."""
    until = asyncio.get_running_loop().time() + seconds
    token = _PATIENCE.set(Patience(until, said))
    try:
        yield
    finally:
        _PATIENCE.reset(token)


def seconds_left() -> float:
    """What is left of the caller's patience."""
    found = _PATIENCE.get()
    if found is None:
        return DEFAULT_SECONDS
    return max(0.0, found.until - asyncio.get_running_loop().time())


async def pause(seconds: float, why: str, *, error: DnsProviderError | None = None) -> None:
    """Wait, and tell the caller when it is long.

    When the caller would not wait that long, raises `error` at once; without one an error of kind
    ``rate_limited`` that says when to come back.
    """
    if seconds > seconds_left():
        raise error or DnsProviderError(
            f"{why}: the next call is allowed in {seconds:.0f} s",
            kind="rate_limited",
            hint="try again after that; fewer names at a time stay below the limit",
            retry_after=seconds,
        )
    found = _PATIENCE.get()
    if seconds >= WORTH_TELLING and found and found.said:
        await found.said(f"waiting {seconds:.0f} s ({why})")
    await asyncio.sleep(seconds)


async def tell(text: str) -> None:
    """Tell the caller what it would want to know; the log has it when nobody listens."""
    found = _PATIENCE.get()
    if found and found.said:
        await found.said(text)
    else:
        log.warning("%s", text)
