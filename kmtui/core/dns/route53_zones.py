"""The hosted zones that an AWS account holds, of which only the public ones count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import dns.name

from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.names import longest_match, parse_name
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.route53_calls import Answer, Calls
from kmtui.core.dns.route53_errors import Refusal
from kmtui.core.dns.route53_sets import name_of
from kmtui.core.dns.zones import PublicNameservers, candidates, choose, zone_not_found
from kmtui.core.errors import DnsProviderError

PAGE = 100
"""Zones in one answer, the most there are."""
MOST_PAGES = 5
"""An account with more zones is asked for each name instead."""
MOST_NAMES = 2000
"""Remembered, for such accounts."""
FIELD = "hosted_zone_id"


@dataclass(frozen=True, slots=True)
class Listed:
    """A zone as a list shows it: its name servers are not in there."""

    zone: Zone
    private: bool

    @classmethod
    def of(cls, found: Answer) -> Listed:
        """From a HostedZone of the API."""
        zone = Zone(id=found["Id"].rpartition("/")[2], name=parse_name(name_of(found["Name"])))
        return cls(zone, bool(found.get("Config", {}).get("PrivateZone")))


class HostedZones:
    """What an account may see, asked for again after a minute; or the one zone it names."""

    def __init__(
        self,
        calls: Calls,
        configured: str,
        public: PublicNameservers,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`configured` is a zone's id: no other zone is then asked for, and no right to list them
        is needed. `public` tells zones of one name apart."""
        self._calls = calls
        self._configured = configured
        self._public = public
        self._clock = clock
        self._asking = asyncio.Lock()
        self._listed: tuple[float, Sequence[Listed] | None] = (0.0, None)
        self._named: dict[str, tuple[float, Sequence[Listed]]] = {}
        self._whole: dict[str, Zone] = {}
        """With their name servers, which a zone keeps for life; by id."""

    async def find(self, fqdn: str) -> Zone:
        """The zone that holds `fqdn`. Raises DnsProviderError."""
        if self._configured:
            zone = await self._the_configured()
            if not parse_name(fqdn).is_subdomain(zone.name):
                raise zone_not_found(
                    fqdn, [zone.text], f"`{FIELD}` is the zone {zone.text}: correct or clear it"
                )
            return zone
        async with self._asking:
            found = await self._fitting(fqdn)
            name = longest_match(parse_name(fqdn), _names(found))
            same = [
                await self._with_servers(listed.zone)
                for listed in found
                if listed.zone.name == name and not listed.private
            ]
        if not same:
            hidden = ", ".join(f"{listed.zone.text} ({listed.zone.id})" for listed in found)
            hint = f"{hidden} is private: a public CA cannot see it, so make a public zone"
            raise zone_not_found(fqdn, candidates(fqdn), hint if hidden else "")
        return await choose(fqdn, same, self._public, field=FIELD)

    async def all(self) -> Sequence[Zone] | None:
        """The public zones, or the one; None when there are too many to list."""
        if self._configured:
            return [await self._the_configured()]
        async with self._asking:
            found = await self._list()
        return None if found is None else [each.zone for each in found if not each.private]

    async def _the_configured(self) -> Zone:
        """The zone that the account names. Raises DnsProviderError."""
        async with self._asking:
            if self._configured not in self._whole:
                self._whole[self._configured] = await self._by_id(self._configured)
            return self._whole[self._configured]

    async def _fitting(self, fqdn: str) -> Sequence[Listed]:
        """The zones that `fqdn` lies in, private ones too."""
        found = await self._list()
        if found is None:
            return await self._ask_for(fqdn)
        if longest_match(parse_name(fqdn), _names(found)) is None:
            self._listed = (0.0, None)  # It may have been made since.
            found = await self._list() or ()
        return [each for each in found if parse_name(fqdn).is_subdomain(each.zone.name)]

    async def _list(self) -> Sequence[Listed] | None:
        until, found = self._listed
        if self._clock() >= until:
            found = await self._list_anew()
            self._listed = (self._clock() + MEMORY, found)
        return found

    async def _list_anew(self) -> Sequence[Listed] | None:
        found: list[Listed] = []
        start: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = await self._calls.call(
                "list_hosted_zones_by_name", MaxItems=str(PAGE), **start
            )
            found += map(Listed.of, answer["HostedZones"])
            if not answer["IsTruncated"]:
                return found
            start = {"DNSName": answer["NextDNSName"], "HostedZoneId": answer["NextHostedZoneId"]}
        return None

    async def _ask_for(self, fqdn: str) -> Sequence[Listed]:
        """The zones with the longest public name that `fqdn` lies in, and private ones on the way;
        by a call for each name."""
        found: list[Listed] = []
        for candidate in candidates(fqdn):
            until, named = self._named.get(candidate, (0.0, ()))
            if self._clock() >= until:
                answer = await self._calls.call(
                    "list_hosted_zones_by_name", DNSName=f"{candidate}.", MaxItems=str(PAGE)
                )
                # The list starts at that name and goes on with those after it.
                listed = map(Listed.of, answer["HostedZones"])
                named = [each for each in listed if each.zone.text == candidate]
                if len(self._named) >= MOST_NAMES:
                    self._named.clear()
                self._named[candidate] = (self._clock() + MEMORY, named)
            found += named
            if any(_names(named)):
                break
        return found

    async def _with_servers(self, zone: Zone) -> Zone:
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

    async def _by_id(self, zone_id: str) -> Zone:
        answer = await self._calls.attempt("get_hosted_zone", Id=zone_id)
        if isinstance(answer, Refusal):
            if not answer.denied:
                raise self._calls.error(answer)
            return await self._by_its_records(zone_id)
        listed = Listed.of(answer["HostedZone"])
        if listed.private:
            raise DnsProviderError(
                f"the hosted zone {zone_id} ({listed.zone.text}) is private",
                kind="unsupported",
                hint=f"a public CA cannot see it: set `{FIELD}` to the public zone of that name",
            )
        return replace(listed.zone, nameservers=_servers(answer))

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


def _names(listed: Iterable[Listed]) -> list[dns.name.Name]:
    """Of the public ones."""
    return [each.zone.name for each in listed if not each.private]


def _servers(answer: Answer) -> tuple[str, ...]:
    """Of GetHostedZone."""
    return tuple(name_of(server) for server in answer["DelegationSet"]["NameServers"])
