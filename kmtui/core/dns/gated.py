"""A DNS provider shared by all requests: bounded per account and per zone, and paced."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.provider import Caps, DnsProvider, Report, TxtHandle, Zone


class GatedProvider:
    """`provider` behind its own limits (`Caps`); who waits is served in the order of asking.

    It is a DnsProvider in all but its class data, which stays with `provider`.
    """

    def __init__(
        self,
        provider: DnsProvider,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.provider = provider
        self._caps: Caps = type(provider).caps
        self._clock = clock
        self._sleep = sleep
        self._account = asyncio.Semaphore(self._caps.at_once)
        self._zones: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(self._caps.at_once_per_zone)
        )
        self._next_start = 0.0

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return self.provider.endpoints

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check."""
        return await self.provider.check(names)

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        async with self._turn():
            return await self.provider.find_zone(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add."""
        async with self._zones[zone.text], self._turn():
            return await self.provider.add(zone, fqdn, values, ttl)

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. Outside the limits: it waits more than it asks."""
        await self.provider.wait_applied(handles, deadline)

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove."""
        by_zone: defaultdict[str, list[TxtHandle]] = defaultdict(list)
        for handle in handles:
            by_zone[handle.zone_name].append(handle)
        for zone, group in by_zone.items():
            async with self._zones[zone], self._turn():
                await self.provider.remove(group)

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self.provider.aclose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """A place among those the account serves at once, not sooner than its pace allows."""
        async with self._account:
            if self._caps.max_rps:
                now = self._clock()
                start = max(now, self._next_start)
                self._next_start = start + 1 / self._caps.max_rps
                if start > now:
                    await self._sleep(start - now)
            yield
