"""Zone cuts: which zone a name lies in and who serves it, remembered for a batch of names."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import dns.name

from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import ancestors

MEMORY = 60.0
"""Seconds: long enough for the names of a batch, too short to miss that a domain moved."""
MOST_HOMES = 10_000
"""Names remembered with their zone before the old ones are forgotten."""


@dataclass(frozen=True, slots=True)
class NameServer:
    """One address of one name server; `endpoint` is None when the name has no address."""

    name: str
    endpoint: Endpoint | None

    @property
    def address(self) -> str:
        """The address, with the port when it is not 53."""
        return str(self.endpoint) if self.endpoint else ""


@dataclass(frozen=True, slots=True)
class ZoneCut:
    """The zone a name lies in, as delegated, and its name servers."""

    zone: dns.name.Name
    servers: tuple[NameServer, ...]

    @property
    def server_names(self) -> frozenset[str]:
        """The NS set, lower case without final dot."""
        return frozenset(server.name for server in self.servers)


class RememberedCuts:
    """What was found out a moment ago; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cuts: dict[dns.name.Name, tuple[float, ZoneCut]] = {}
        self._homes: dict[dns.name.Name, tuple[float, ZoneCut]] = {}
        self._locks: defaultdict[dns.name.Name, asyncio.Lock] = defaultdict(asyncio.Lock)

    def asking(self, name: dns.name.Name) -> asyncio.Lock:
        """Held while the zone of a name is looked for: its neighbours wait, and then know it."""
        return self._locks[dns.name.Name(name.labels[-3:])]

    def remember(self, cut: ZoneCut) -> None:
        """Keep a zone's cut, for all names below it."""
        self._cuts[cut.zone] = (self._clock() + MEMORY, cut)

    def above(self, name: dns.name.Name) -> ZoneCut | None:
        """The deepest remembered cut that `name` may lie in; there may be another between."""
        for zone in ancestors(name):
            found = self._fresh(self._cuts, zone)
            if found is not None:
                return found
        return None

    def remember_home(self, name: dns.name.Name, cut: ZoneCut) -> None:
        """Keep that `name` itself lies in the zone of `cut`."""
        if len(self._homes) >= MOST_HOMES:
            self._homes.clear()
        self._homes[name] = (self._clock() + MEMORY, cut)

    def home_of(self, name: dns.name.Name) -> ZoneCut | None:
        """The cut that `name` surely lies in; None when that is not known any more."""
        return self._fresh(self._homes, name)

    def _fresh(
        self, known: dict[dns.name.Name, tuple[float, ZoneCut]], name: dns.name.Name
    ) -> ZoneCut | None:
        until, cut = known.get(name, (0.0, None))
        return cut if self._clock() < until else None
