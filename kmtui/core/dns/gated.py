"""A DNS provider shared by all requests: bounded, and one change of a name at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.patience import pause
from kmtui.core.dns.provider import Caps, DnsProvider, Report, TxtHandle, Zone
from kmtui.core.locks import FileLock

LOOK_AGAIN = 0.03
"""Seconds between looks whether another process is done with a name."""


@dataclass(slots=True)
class _Name:
    """The changes of one name that wait for the one under way."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    adding: dict[object, tuple[AbstractSet[str], int]] = field(default_factory=dict)
    """What each caller that waits wants to be added, and with which TTL. Two may want the same:
    orders that a CA let share an authorization."""
    written: dict[str, TxtHandle] = field(default_factory=dict)
    """Handles of values that somebody else's write took along."""
    removing: dict[object, Sequence[TxtHandle]] = field(default_factory=dict)
    """What each caller that waits wants to be removed."""


class GatedProvider:
    """`provider` behind its own limits (`Caps`); who waits is served in the order of asking.

    Where each write replaces the whole set of a name, the changes of one name wait for each other,
    in this process and, with `locks` (a directory), in all. What waits together is written
    together: whoever is first takes the others' values along.

    It is a DnsProvider in all but its class data, which stays with `provider`.
    """

    def __init__(self, provider: DnsProvider, *, locks: Path | None = None) -> None:
        self.provider = provider
        self._caps: Caps = type(provider).caps
        self._locks = locks
        self._account = asyncio.Semaphore(self._caps.at_once)
        self._zones: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(self._caps.at_once_per_zone)
        )
        self._names: defaultdict[tuple[str, str], _Name] = defaultdict(_Name)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return self.provider.endpoints

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check."""
        return await self.provider.check(names)

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        async with self._account:
            return await self.provider.find_zone(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add."""
        if self._caps.semantics != "rrset":
            async with self._zones[zone.text], self._account:
                return await self.provider.add(zone, fqdn, values, ttl)
        name = self._names[zone.id, fqdn]
        caller = object()
        name.adding[caller] = values, ttl
        try:
            async with self._changing(zone.id, fqdn, zone.text):
                # Who came before may have written ours with its own.
                if not values <= name.written.keys():
                    wanted = frozenset().union(*(values for values, _ in name.adding.values()))
                    ttl = min(ttl for _, ttl in name.adding.values())
                    for handle in await self.provider.add(zone, fqdn, wanted, ttl):
                        name.written[handle.value] = handle
                return [name.written[value] for value in sorted(values)]
        finally:
            del name.adding[caller]
            for value in values:
                name.written.pop(value, None)

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. Outside the limits: it waits more than it asks."""
        await self.provider.wait_applied(handles, deadline)

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove."""
        groups: defaultdict[tuple[str, str, str], list[TxtHandle]] = defaultdict(list)
        whole_sets = self._caps.semantics == "rrset"
        for handle in handles:
            fqdn = handle.fqdn if whole_sets else ""
            groups[handle.zone_id, fqdn, handle.zone_name].append(handle)
        results = await asyncio.gather(
            *(self._remove(*place, group) for place, group in groups.items()),
            return_exceptions=True,
        )
        for result in results:
            if result is not None:
                raise result

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self.provider.aclose()

    async def _remove(self, zone_id: str, fqdn: str, zone: str, group: list[TxtHandle]) -> None:
        if self._caps.semantics != "rrset":
            async with self._zones[zone], self._account:
                await self.provider.remove(group)
            return
        name = self._names[zone_id, fqdn]
        caller = object()
        name.removing[caller] = group
        try:
            async with self._changing(zone_id, fqdn, zone):
                # Who came before may have removed ours with its own.
                if caller in name.removing:
                    waiting = dict(name.removing)
                    unwanted = {
                        handle.value: handle for each in waiting.values() for handle in each
                    }
                    await self.provider.remove(list(unwanted.values()))
                    for each in waiting:
                        name.removing.pop(each, None)
        finally:
            name.removing.pop(caller, None)

    @asynccontextmanager
    async def _changing(self, zone_id: str, fqdn: str, zone: str) -> AsyncIterator[None]:
        """Alone with one name: in this process, then among processes, then among the limits."""
        async with (
            self._names[zone_id, fqdn].lock,
            self._alone(zone_id, fqdn),
            self._zones[zone],
            self._account,
        ):
            yield

    @asynccontextmanager
    async def _alone(self, zone_id: str, fqdn: str) -> AsyncIterator[None]:
        """No other kmtui process on this inventory changes the name; the kernel ends a dead one's
        lock."""
        if self._locks is None:
            yield
            return
        place = f"{type(self.provider).name} {zone_id} {fqdn}"
        path = self._locks / f"dns-{hashlib.sha256(place.encode()).hexdigest()[:24]}"
        while (lock := FileLock.take(path)) is None or not lock.in_place:
            if lock is not None:
                lock.release()
            await pause(LOOK_AGAIN, f"another process changes {fqdn}")
        try:
            yield
        finally:
            lock.release(remove=True)
