"""A vendor's limit as a scrolling window: so many calls in any so many seconds."""

from __future__ import annotations

import asyncio
from bisect import insort
from contextlib import suppress

from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import pause


class Window(Pace):
    """At most `calls` in any `seconds`, in the order of asking; nobody waits before it is full.

    Other programs with the same account use up the vendor's window as well, and so did this one
    before it was started: where the vendor says that nothing is left, `used_up` holds the calls.
    """

    def __init__(self, calls: int, seconds: float, *, why: str = "") -> None:
        super().__init__(None, why=why)
        self._calls = calls
        self._seconds = seconds
        self._places: list[float] = []
        """When the calls that still count were made or will be, in order."""
        self._until = 0.0
        self._guess = self._first_guess

    async def turn(self) -> None:
        """See Pace.turn."""
        loop = asyncio.get_running_loop()
        place = self._free_from(loop.time())
        insort(self._places, place)
        used = False
        try:
            while (wait := max(place, self._until) - loop.time()) > 0:
                await pause(wait, self._why)
            used = True
        finally:
            with suppress(ValueError):  # A hold may have outlasted the window.
                self._places.remove(place)
            if used:
                insort(self._places, loop.time())

    def hold(self, seconds: float) -> None:
        """See Pace.hold."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    def used_up(self) -> float:
        """The vendor said that nothing is left: the seconds for which calls are held now.

        Our own oldest call leaves the window at a time we know. Calls of others may leave it any
        time before: worth a try, later each time.
        """
        now = asyncio.get_running_loop().time()
        if now < self._until:
            return self._until - now
        full = self._free_from(now) > now
        known = self._places[0] + self._seconds - now if self._places else self._seconds
        wait = known if full else min(known, self._guess)
        self._guess *= 2
        self._until = now + wait
        return wait

    def some_left(self) -> None:
        """The vendor said that it takes calls again."""
        self._guess = self._first_guess

    @property
    def _first_guess(self) -> float:
        """The seconds after which a window that is used evenly lets the next call in."""
        return self._seconds / self._calls

    def _free_from(self, now: float) -> float:
        """When the next call may be made."""
        while self._places and self._places[0] <= now - self._seconds:
            self._places.pop(0)
        if len(self._places) < self._calls:
            return now
        return self._places[-self._calls] + self._seconds
