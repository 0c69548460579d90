"""ClouDNS's word which of its servers have the newest state of a zone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kmtui.core.dns.cloudns_session import TITLE, CloudnsSession, rows
from kmtui.core.dns.patience import tell
from kmtui.core.errors import DnsProviderError

FIRST_LOOK = 1.0
"""Seconds after a change: its servers are not told within the call that makes it."""
LOOKS = 5.0
"""Seconds between looks; a change takes up to a minute or two."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The servers that were `behind` when ClouDNS was asked (loop time)."""

    at: float
    behind: tuple[str, ...]


class CloudnsSignal:
    """The zones whose servers are waited for. Many may wait for one; it is asked for once.

    More servers are listed than a zone has NS records, and a CA may meet any of them.
    """

    def __init__(
        self, session: CloudnsSession, *, first: float = FIRST_LOOK, again: float = LOOKS
    ) -> None:
        self._session = session
        self._first = first
        self._again = again
        self._looks: dict[str, _Look] = {}
        self._looking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def wait(self, zones: Iterable[str], seconds: float) -> None:
        """Return when all servers have the zones, or after `seconds`: name servers tell more."""
        zone = ""
        try:
            async with asyncio.timeout(seconds):
                for zone in zones:
                    await self._one(zone)
        except TimeoutError:
            look = self._looks.get(zone)
            late = ", ".join(look.behind if look else ()) or "all its servers"
            await tell(f"after {seconds:.0f} s {TITLE} has not brought {zone} to {late}")
        except DnsProviderError as error:
            await tell(f"{TITLE} does not say which servers have {zone}: {error.message}")

    async def _one(self, zone: str) -> None:
        changed = asyncio.get_running_loop().time()
        wait = self._first
        while True:
            await asyncio.sleep(wait)
            look = await self._look(zone, changed)
            if not look.behind:
                return
            wait = self._again

    async def _look(self, zone: str, changed: float) -> _Look:
        """A look after the change. Whoever holds the lock asks; who waits behind finds it."""
        async with self._looking[zone]:
            look, now = self._looks.get(zone), asyncio.get_running_loop().time()
            if look is None or look.at < changed or now - look.at >= self._again:
                answer = await self._session.call("update-status", domain_name=zone)
                late = [row for row in rows(answer) if row.get("updated") in (False, 0, "0")]
                look = _Look(now, tuple(str(row.get("server")) for row in late))
                self._looks[zone] = look
            return look
