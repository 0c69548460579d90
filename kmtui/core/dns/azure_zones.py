"""The DNS zones an account may change in Azure: named by resource id, or listed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import dns.name

from kmtui.core.dns.azure_arm import DNS_VERSION, ResourceManager
from kmtui.core.dns.names import longest_match, parse_name, text_of
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.zones import PublicNameservers, candidates, choose, zone_not_found
from kmtui.core.errors import DnsProviderError

SUBSCRIPTIONS_VERSION = "2020-01-01"
PRIVATE_VERSION = "2018-09-01"
MEMORY = 60.0
"""Seconds for which zones are not asked for again."""

_PART = r"[^/?#%\s]+"
_ID = re.compile(
    rf"/subscriptions/{_PART}/resourceGroups/{_PART}/providers/Microsoft\.Network"
    rf"/dnsZones/(?P<zone>{_PART})(?:/TXT/(?P<record>{_PART}))?/?",
    re.IGNORECASE,
)
_KIND = re.compile(
    rf"^/subscriptions/{_PART}/resourceGroups/{_PART}/providers/Microsoft\.Network"
    rf"/(?P<private>private)?dnsZones/{_PART}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The resource id of a public zone, or of a TXT record set in it."""

    zone_id: str
    zone: dns.name.Name
    record: dns.name.Name | None = None
    """The whole name of the record set."""

    @classmethod
    def parse(cls, text: str) -> ResourceId:
        """Raises ValueError with a reason fit for an operator."""
        found = _ID.fullmatch(text)
        if found is None:
            if "/privatednszones/" in text.lower():
                raise ValueError(
                    "no public CA can see a private DNS zone: give the public one of that name"
                )
            raise ValueError(
                f"{text!r} is not the resource id of a DNS zone or of a TXT record set "
                "(/subscriptions/…/providers/Microsoft.Network/dnsZones/…)"
            )
        zone, record = parse_name(found["zone"]), found["record"]
        if record is None:
            return cls(text.rstrip("/"), zone)
        name = zone if record == "@" else parse_name(f"{record}.{text_of(zone)}")
        return cls(text[: found.end("zone")], zone, name)

    @classmethod
    def parse_list(cls, text: str) -> tuple[ResourceId, ...]:
        """Ids separated by commas or blanks. Raises ValueError."""
        return tuple(cls.parse(part) for part in re.split(r"[,\s]+", text.strip()) if part)


class AzureZones:
    """Finds the zone of a name; what Azure said is believed for a minute."""

    def __init__(
        self,
        arm: ResourceManager,
        *,
        configured: Sequence[ResourceId],
        subscription: str,
        resource_group: str,
        public: PublicNameservers,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With `configured` ids nothing is ever listed: a role on a record set would not do."""
        self._arm = arm
        self.configured = tuple(configured)
        self._subscription, self._resource_group = subscription, resource_group
        self._public = public
        self._clock = clock
        self._listing = asyncio.Lock()
        self._listed: list[Zone] = []
        self._listed_at = -MEMORY
        self._seen: dict[str, tuple[float, Zone]] = {}

    async def find(self, fqdn: str) -> Zone:
        """The zone of `fqdn`. Raises DnsProviderError as DnsProvider.find_zone."""
        name, now = parse_name(fqdn), self._clock()
        if self.configured:
            return await choose(fqdn, await self._configured_for(name), self._public)
        zones = await self.listed()
        if longest_match(name, [zone.name for zone in zones]) is None:
            zones = await self.listed(since=now)  # It may have been made in this minute.
        if longest_match(name, [zone.name for zone in zones]) is None:
            await self._refuse_private(name)
            seen = "it sees others" if zones else "it sees no zone at all"
            raise zone_not_found(
                fqdn,
                candidates(fqdn),
                hint=f"give the identity the role Reader on the zone ({seen}), or set `zone_id`",
            )
        return await choose(fqdn, zones, self._public)

    async def listed(self, *, since: float | None = None) -> list[Zone]:
        """The public zones that Azure lists, now or less than a minute ago; `since` is a moment of
        the clock. Raises DnsProviderError."""
        async with self._listing:
            now = self._clock()
            if self._listed_at < (now - MEMORY if since is None else since):
                self._listed = await self._list("dnsZones", DNS_VERSION)
                self._listed_at = now
            return [zone for zone in self._listed if not _is_private(zone)]

    async def seen(self, known: ResourceId) -> Zone:
        """A configured zone as Azure shows it, without name servers to a role that may not look.

        Raises DnsProviderError.
        """
        until, zone = self._seen.get(known.zone_id, (0.0, None))
        if zone is None or self._clock() >= until:
            zone = Zone(id=known.zone_id, name=known.zone)
            reply = await self._arm.call("GET", known.zone_id, expected=(403,))
            if reply.ok:
                shown = _zone(reply.json())
                if shown is None or shown.name != known.zone:
                    raise self._arm.api.unreadable(reply)
                if _is_private(shown):
                    raise _private(known.zone, shown)
                zone = replace(shown, id=known.zone_id)
            self._seen[known.zone_id] = (self._clock() + MEMORY, zone)
        return zone

    async def _configured_for(self, name: dns.name.Name) -> list[Zone]:
        """The configured zones that may hold `name`, a record set of that name first."""
        for known in self.configured:
            if known.record == name:
                return [Zone(id=known.zone_id, name=known.zone)]
        whole = [known for known in self.configured if known.record is None]
        zone = longest_match(name, [known.zone for known in whole])
        if zone is None:
            raise zone_not_found(
                text_of(name),
                [text_of(known.record or known.zone) for known in self.configured],
                hint="add the id of its zone, or of its TXT record set, to `zone_id`",
            )
        return [await self.seen(known) for known in whole if known.zone == zone]

    async def _refuse_private(self, name: dns.name.Name) -> None:
        """Raises DnsProviderError when the name is in a private zone."""
        try:
            found = await self._list("privateDnsZones", PRIVATE_VERSION)
        except DnsProviderError:
            return  # It would only have explained better that there is no zone.
        found += [zone for zone in self._listed if _is_private(zone)]
        zone = longest_match(name, [each.name for each in found])
        if zone is not None:
            raise _private(name, next(each for each in found if each.name == zone))

    async def _list(self, kind: str, version: str) -> list[Zone]:
        """The zones of every subscription, or of the one and the resource group that are set."""
        subscriptions = [self._subscription] if self._subscription else await self._subscriptions()
        several = len(subscriptions) > 1
        found = await asyncio.gather(
            *(self._list_in(each, kind, version, several=several) for each in subscriptions),
            return_exceptions=True,
        )
        zones: list[Zone] = []
        for result in found:
            if isinstance(result, BaseException):
                raise result
            zones += result
        return zones

    async def _list_in(
        self, subscription: str, kind: str, version: str, *, several: bool
    ) -> list[Zone]:
        group = f"/resourceGroups/{quote(self._resource_group)}" if self._resource_group else ""
        path = f"/subscriptions/{subscription}{group}/providers/Microsoft.Network/{kind}"
        try:
            items = [item async for item in self._arm.listed(path, version=version)]
        except DnsProviderError as error:
            # Of several subscriptions one may be closed to us, or lack the resource group.
            if several and error.kind in ("permission", "zone_not_found"):
                return []
            if error.kind == "permission":
                error.hint += "; or set `zone_id`: then nothing has to be listed"
            raise
        return [zone for item in items if (zone := _zone(item))]

    async def _subscriptions(self) -> list[str]:
        items = self._arm.listed("/subscriptions", version=SUBSCRIPTIONS_VERSION)
        found = [str(item["subscriptionId"]) async for item in items if _is_usable(item)]
        if not found:
            raise self._arm.api.error(
                "the identity sees no subscription",
                kind="permission",
                hint="give it the role DNS Zone Contributor on the zone (Access control); new "
                "assignments take minutes",
            )
        return found


def _is_usable(subscription: object) -> bool:
    return (
        isinstance(subscription, dict)
        and isinstance(found := subscription.get("subscriptionId"), str)
        and re.fullmatch(r"[0-9a-fA-F-]+", found) is not None
        and subscription.get("state") not in ("Deleted", "Disabled")
    )


def _zone(item: object) -> Zone | None:
    """A zone as Azure shows it; None for anything else."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return None
    kind = _KIND.search(item["id"])
    properties = item.get("properties")
    servers = properties.get("nameServers") if isinstance(properties, dict) else None
    zone_type = properties.get("zoneType") if isinstance(properties, dict) else None
    try:
        name = parse_name(str(item.get("name")))
        names = tuple(text_of(parse_name(str(server))) for server in servers or ())
    except (TypeError, ValueError):
        return None
    if kind is None:
        return None
    private = bool(kind["private"]) or zone_type == "Private"
    return Zone(
        id=item["id"], name=name, nameservers=names, extra={"private": "yes"} if private else {}
    )


def _is_private(zone: Zone) -> bool:
    return "private" in zone.extra


def _private(name: dns.name.Name, zone: Zone) -> DnsProviderError:
    return DnsProviderError(
        f"{text_of(name)} is in the private zone {zone.id} only, which no public CA can see",
        kind="unsupported",
        hint="make a public zone of that name, or lead the challenge name to one by a CNAME in the "
        "public DNS",
    )
