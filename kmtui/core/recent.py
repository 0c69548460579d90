"""What an operator set up, as it was a moment ago, for the many requests that ask at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.events import Event

T = TypeVar("T")

SECONDS = 1.0
"""How long another process's change may go unseen: a request that began a second earlier would not
have seen it either."""


class Recent(Generic[T]):
    """The rows that `read` finds, read anew after a second and after each of `changes`.

    For the work on requests; what is shown is read where it is shown.
    """

    def __init__(
        self,
        context: Context,
        read: Callable[[Session], Sequence[T]],
        *changes: type[Event],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is monotonic, in seconds."""
        self._db = context.db
        self._read = read
        self._changes = changes
        self._clock = clock
        self._rows: Sequence[T] = ()
        self._until = 0.0
        self._told = 0
        """How many changes there were: what was read before the last one is not kept."""
        context.bus.subscribe(self._listen)

    async def all(self) -> Sequence[T]:
        """The rows, not older than a second and than the last change in this process."""
        if self._clock() < self._until:
            return self._rows
        told, asked = self._told, self._clock()
        rows = await self._db.read(self._read)
        if told == self._told:
            self._rows, self._until = rows, asked + SECONDS
        return rows

    def _listen(self, event: Event) -> None:
        if isinstance(event, self._changes):
            self._told += 1
            self._until = 0.0
