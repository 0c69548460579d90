"""Route 53's word that all its servers have a change (GetChange)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from weakref import WeakValueDictionary

from kmtui.core.dns.patience import tell
from kmtui.core.dns.route53_calls import Calls
from kmtui.core.dns.route53_errors import PASSING, Refusal
from kmtui.core.errors import DnsProviderError

FIRST_LOOK = 2.0
"""Seconds after a change: before that it never is everywhere."""
LOOKS = 5.0
"""Seconds between looks; changes take up to a minute."""
MOST_REMEMBERED = 1000
UNKNOWN_CHANGE = "C00000000000000"
"""An id that no change has: asking for it shows whether asking is allowed."""


class Signal:
    """The changes that are on their way. Many may wait for one; it is asked for once."""

    def __init__(self, calls: Calls, *, first: float = FIRST_LOOK, again: float = LOOKS) -> None:
        self._calls = calls
        self._first = first
        self._again = again
        self._looking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._arrived: dict[str, None] = {}
        self._silent = False

    async def wait(self, changes: Iterable[str], seconds: float) -> None:
        """Return when all are everywhere, or after `seconds`: name servers tell the rest."""
        if self._silent:
            return
        try:
            async with asyncio.timeout(seconds):
                for change in changes:
                    await self._one(change)
        except TimeoutError:
            await tell(f"Route 53 has not brought the change to all its servers in {seconds:.0f} s")
        except DnsProviderError as error:
            if error.kind not in PASSING:
                raise
            await tell(f"Route 53 does not say where the change has arrived: {error.message}")

    async def allowed(self) -> bool:
        """Whether the account may ask for changes."""
        answer = await self._calls.attempt("get_change", Id=UNKNOWN_CHANGE)
        return not (isinstance(answer, Refusal) and answer.denied)

    async def _one(self, change: str) -> None:
        """Whoever holds the lock looks; who waits behind finds the result."""
        async with self._looking.setdefault(change, asyncio.Lock()):
            wait = self._first
            while change not in self._arrived and not self._silent:
                await asyncio.sleep(wait)
                wait = self._again
                answer = await self._calls.attempt("get_change", Id=change)
                if not isinstance(answer, Refusal):
                    if answer["ChangeInfo"]["Status"] == "INSYNC":
                        self._remember(change)
                elif answer.denied:
                    self._silent = True
                    await tell(
                        "AWS does not allow route53:GetChange, so only the name servers are asked"
                    )
                else:
                    # An old change is forgotten: it has arrived long ago.
                    if answer.code != "NoSuchChange":
                        raise self._calls.error(answer)
                    self._remember(change)

    def _remember(self, change: str) -> None:
        self._arrived[change] = None
        while len(self._arrived) > MOST_REMEMBERED:
            del self._arrived[next(iter(self._arrived))]
