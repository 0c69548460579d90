"""An event loop in which work in the background leaves room for keys.

asyncio runs everything that is ready in each turn. A key takes some ten turns to be painted; with
hundreds of requests under way each turn would be long, and a key would wait for all of them. Here
the background gets a share of each turn, first come first served, and the smallest share while
anything else has to be done; nothing is lost by it, for the turns become short and many.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import TypeVarTuple, Unpack

Arguments = TypeVarTuple("Arguments")

IN_BACKGROUND: ContextVar[bool] = ContextVar("in_background", default=False)
"""Whether a task can wait for a key; tasks that it starts inherit it."""
SHARE = 6
"""Callbacks of the background in one turn: together about a millisecond."""
LEAST = 1
"""The same while a key is under way, or a list is read: enough for the background to get on."""


class FairLoop(asyncio.SelectorEventLoop):
    """Runs at most `SHARE` callbacks of the background in one turn, in the order they came.

    They are `LEAST` after a turn in which anything else asked for a callback.
    """

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(selector)
        self._background: deque[asyncio.Handle] = deque()
        self._sharing = self._asked = False

    def call_soon(
        self,
        callback: Callable[[Unpack[Arguments]], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As asyncio's; where the context is one of the background, in its turn."""
        where = copy_context() if context is None else context
        if not where.get(IN_BACKGROUND, False):
            self._asked = True
            return super().call_soon(callback, *args, context=where)
        handle = asyncio.Handle(callback, args, self, where)
        self._background.append(handle)
        if not self._sharing:
            self._sharing = True
            super().call_soon(self._share)
        return handle

    def _share(self) -> None:
        share, self._asked = LEAST if self._asked else SHARE, False
        try:
            for _ in range(min(share, len(self._background))):
                handle = self._background.popleft()
                # As the loop itself does; cancelled until the very moment counts.
                if not handle.cancelled():
                    handle._run()
        finally:
            self._sharing = bool(self._background)
            if self._sharing:
                super().call_soon(self._share)
