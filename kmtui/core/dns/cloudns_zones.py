"""The zones that an API user of ClouDNS sees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kmtui.core.dns.cloudns_session import TITLE, CloudnsSession, rows
from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.zone_page import Page, ZonePage
from kmtui.core.dns.zones import candidates, zone_not_found
from kmtui.core.errors import DnsProviderError

PER_PAGE = 100
"""Of zones or records: one of the numbers that ClouDNS takes."""
SERVED_ELSEWHERE = {
    "slave": "is a slave zone: its records are changed at its primary server",
    "parked": "is parked: it has no records of its own",
}
"""Types of zones that hold no record that could be changed."""


class CloudnsZones:
    """Zones by name, each with its name servers."""

    def __init__(self, session: CloudnsSession) -> None:
        self._session = session
        self._page = ZonePage(self._first, self._named)
        self._known: dict[str, tuple[float, Zone]] = {}
        self._asking = asyncio.Lock()

    async def of(self, fqdn: str) -> Zone:
        """The zone with the longest name that `fqdn` lies in. A name is there once.

        Raises DnsProviderError: ``zone_not_found``, or ``unsupported`` for one that holds no
        records here.
        """
        found = await self._page.of(fqdn)
        if not found:
            hint = "create the zone, or delegate it to the sub-user whose credentials these are"
            raise zone_not_found(fqdn, candidates(fqdn), hint)
        async with self._asking:
            now = asyncio.get_running_loop().time()
            until, zone = self._known.get(found[0].text, (0.0, found[0]))
            if now >= until:
                zone = await self._complete(found[0])
                self._known[zone.text] = (now + MEMORY, zone)
        return zone

    async def first(self) -> Sequence[Zone]:
        """The first page of zones, asked for now; without their name servers."""
        return (await self._page.look()).zones

    async def _first(self) -> Page:
        try:
            answer = await self._session.call("list-zones", page="1", rows_per_page=str(PER_PAGE))
        except DnsProviderError as error:
            if error.kind != "permission":
                raise
            return Page()  # Who may not list zones may still be asked about one.
        found = rows(answer)
        return Page(tuple(_zones(found)), len(found) < PER_PAGE)

    async def _named(self, name: str) -> Sequence[Zone]:
        try:
            answer = await self._session.call("get-zone-info", domain_name=name)
        except DnsProviderError as error:
            if error.kind != "zone_not_found":
                raise
            return ()
        return tuple(_zones([answer] if isinstance(answer, dict) else ()))

    async def _complete(self, zone: Zone) -> Zone:
        """The zone with the id to change it by, and its name servers."""
        kind = zone.extra["type"]
        if kind == "cloud" and zone.id == zone.text:
            zone = next(iter(await self._named(zone.text)), zone)
        if kind in SERVED_ELSEWHERE:
            raise DnsProviderError(
                f"{zone.text} {SERVED_ELSEWHERE[kind]}",
                kind="unsupported",
                hint="map its names to the DNS account of the server that holds its records",
            )
        answer = await self._session.call(
            "records", domain_name=zone.id, host="", type="NS", rows_per_page=str(PER_PAGE)
        )
        # What ClouDNS does not understand of a filter it leaves out.
        servers = (
            str(row.get("record", "")).lower().rstrip(".")
            for row in rows(answer)
            if row.get("type") == "NS" and row.get("host") in ("", "@")
        )
        return Zone(id=zone.id, name=zone.name, nameservers=tuple(servers), extra=zone.extra)


def oddity(zone: Zone) -> str:
    """What is worth knowing of a zone; mostly nothing."""
    kind = zone.extra["type"]
    if kind in SERVED_ELSEWHERE:
        return f"{zone.text} {SERVED_ELSEWHERE[kind]}"
    return f"{zone.text} is switched off at {TITLE}" if zone.extra["status"] == "0" else ""


def _zones(found: Iterable[Mapping[str, Any]]) -> Iterator[Zone]:
    for row in found:
        try:
            name = parse_name(str(row.get("name") or ""))
        except ValueError:
            continue
        yield Zone(
            # A cloud zone shows the records of another one, its master: there they are changed.
            id=str(row.get("cloud-master") or text_of(name)).lower(),
            name=name,
            extra={
                "type": str(row.get("type") or "master").lower(),
                "status": str(row.get("status", "1")),
            },
        )
