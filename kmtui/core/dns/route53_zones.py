"""The hosted zones that an AWS account holds, of which only the public ones count."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.names import longest_match, parse_name
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.route53_calls import Answer, Calls
from kmtui.core.dns.route53_errors import Refusal
from kmtui.core.dns.route53_sets import name_of
from kmtui.core.dns.zone_page import Page, ZonePage
from kmtui.core.dns.zones import PublicNameservers, candidates, choose, zone_not_found
from kmtui.core.errors import DnsProviderError

PAGE = 100
"""Zones in one answer, the most there are."""
MOST_PAGES = 5
"""An account with more zones is asked for each name instead."""
MOST_NAMES = 2000
"""Remembered of such accounts."""
FIELD = "hosted_zone_id"


class HostedZones:
    """What an account may see, asked for again after a minute; or the one zone it names."""

    def __init__(self, calls: Calls, configured: str, public: PublicNameservers) -> None:
        """`configured` is a zone's id: no other zone is then asked for, and no right to list them
        is needed. `public` tells zones of one name apart."""
        self._calls = calls
        self._configured = configured
        self._public = public
        self._listed = ZonePage(self._first, self._named)
        self._asked: dict[str, tuple[float, Sequence[Zone]]] = {}
        self._private: dict[str, Zone] = {}
        """Met on the way, by id."""
        self._whole: dict[str, Zone] = {}
        """With their name servers, which a zone keeps for life; by id."""
        self._completing = asyncio.Lock()

    async def find(self, fqdn: str) -> Zone:
        """The zone that holds `fqdn`. Raises DnsProviderError."""
        if self._configured:
            zone = await self._the_configured()
            if not parse_name(fqdn).is_subdomain(zone.name):
                raise zone_not_found(
                    fqdn, [zone.text], f"`{FIELD}` is the zone {zone.text}: correct or clear it"
                )
            return zone
        found = await self._listed.of(fqdn)
        if not found:
            raise zone_not_found(fqdn, candidates(fqdn), self._only_private(fqdn))
        zones = [await self._with_servers(zone) for zone in found]
        return await choose(fqdn, zones, self._public, field=FIELD)

    async def all(self) -> Page:
        """The public zones, or the one; not whole when there are too many to list."""
        if self._configured:
            return Page([await self._the_configured()], whole=True)
        return await self._listed.look()

    def _only_private(self, fqdn: str) -> str:
        """A hint for a name whose only zone is not public."""
        name = longest_match(parse_name(fqdn), [zone.name for zone in self._private.values()])
        hidden = [zone.id for zone in self._private.values() if zone.name == name]
        if not hidden:
            return ""
        return f"{', '.join(hidden)} is private, and a public CA cannot see it: make a public zone"

    async def _first(self) -> Page:
        found: list[Zone] = []
        start: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = await self._calls.call(
                "list_hosted_zones_by_name", MaxItems=str(PAGE), **start
            )
            found += self._public_ones(answer)
            if not answer.get("IsTruncated"):
                return Page(found, whole=True)
            start = {"DNSName": answer["NextDNSName"], "HostedZoneId": answer["NextHostedZoneId"]}
        return Page(found)

    async def _named(self, name: str) -> Sequence[Zone]:
        now = asyncio.get_running_loop().time()
        until, found = self._asked.get(name, (0.0, ()))
        if now >= until:
            answer = await self._calls.call(
                "list_hosted_zones_by_name", DNSName=f"{name}.", MaxItems=str(PAGE)
            )
            # The list starts at that name and goes on with those after it.
            found = [zone for zone in self._public_ones(answer) if zone.text == name]
            if len(self._asked) >= MOST_NAMES:
                self._asked.clear()
            self._asked[name] = (now + MEMORY, found)
        return found

    def _public_ones(self, answer: Answer) -> list[Zone]:
        """Of ListHostedZonesByName."""
        found = answer["HostedZones"]
        self._private |= {each["Id"]: _zone(each) for each in found if _is_private(each)}
        return [_zone(each) for each in found if not _is_private(each)]

    async def _with_servers(self, zone: Zone) -> Zone:
        async with self._completing:
            if zone.id not in self._whole:
                answer = await self._calls.attempt("get_hosted_zone", Id=zone.id)
                if not isinstance(answer, Refusal):
                    servers = _servers(answer)
                elif answer.denied:
                    servers = await self._servers_at_apex(zone)
                else:
                    raise self._calls.error(answer)
                self._whole[zone.id] = replace(zone, nameservers=servers)
            return self._whole[zone.id]

    async def _the_configured(self) -> Zone:
        async with self._completing:
            if self._configured not in self._whole:
                self._whole[self._configured] = await self._by_id(self._configured)
            return self._whole[self._configured]

    async def _by_id(self, zone_id: str) -> Zone:
        answer = await self._calls.attempt("get_hosted_zone", Id=zone_id)
        if isinstance(answer, Refusal):
            if not answer.denied:
                raise self._calls.error(answer)
            return await self._by_its_records(zone_id)
        zone = _zone(answer["HostedZone"])
        if _is_private(answer["HostedZone"]):
            raise DnsProviderError(
                f"the hosted zone {zone_id} ({zone.text}) is private",
                kind="unsupported",
                hint=f"a public CA cannot see it: set `{FIELD}` to the public zone of that name",
            )
        return replace(zone, nameservers=_servers(answer))

    async def _by_its_records(self, zone_id: str) -> Zone:
        """For whom may only read and change records: the first of them has the zone's name."""
        answer = await self._calls.call(
            "list_resource_record_sets", HostedZoneId=zone_id, MaxItems="1"
        )
        name = parse_name(name_of(answer["ResourceRecordSets"][0]["Name"]))
        zone = Zone(id=zone_id, name=name)
        return replace(zone, nameservers=await self._servers_at_apex(zone))

    async def _servers_at_apex(self, zone: Zone) -> tuple[str, ...]:
        """As the zone itself says it; empty when that may not be read either."""
        answer = await self._calls.attempt(
            "list_resource_record_sets",
            HostedZoneId=zone.id,
            StartRecordName=f"{zone.text}.",
            StartRecordType="NS",
            MaxItems="1",
        )
        if isinstance(answer, Refusal):
            return ()
        return tuple(
            name_of(record["Value"])
            for found in answer["ResourceRecordSets"]
            if found["Type"] == "NS" and name_of(found["Name"]) == zone.text
            for record in found["ResourceRecords"]
        )


def _zone(found: Answer) -> Zone:
    """From a HostedZone of the API."""
    return Zone(id=found["Id"].rpartition("/")[2], name=parse_name(name_of(found["Name"])))


def _is_private(found: Answer) -> bool:
    return bool(found.get("Config", {}).get("PrivateZone"))


def _servers(answer: Answer) -> tuple[str, ...]:
    """Of GetHostedZone."""
    return tuple(name_of(server) for server in answer["DelegationSet"]["NameServers"])
