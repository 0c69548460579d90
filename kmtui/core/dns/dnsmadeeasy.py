"""DNS Made Easy: TXT records one by one, over its REST interface V2.0."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, ClassVar

from kmtui.core.clock import utc_now
from kmtui.core.dns.dnsmadeeasy_errors import is_duplicate
from kmtui.core.dns.dnsmadeeasy_session import CALLS, TITLE, DnsMadeEasySession
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import longest_match, parse_name, text_of
from kmtui.core.dns.provider import (
    NOTHING_AROUND,
    Caps,
    Report,
    Secrets,
    Surroundings,
    TxtHandle,
    Zone,
    failure_lines,
)
from kmtui.core.dns.settings import base_url, read, secret
from kmtui.core.dns.trial import try_names
from kmtui.core.dns.txt import joined
from kmtui.core.dns.window import Window
from kmtui.core.dns.zones import AllowedZones, choose, relative
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine, Field

BASE_URLS = {
    "no": "https://api.dnsmadeeasy.com/V2.0",
    "yes": "https://api.sandbox.dnsmadeeasy.com/V2.0",
}
"""By the setting `sandbox`."""
ZONE_MEMORY = 60.0
"""Seconds for which the list of zones, and what is known of one, is not asked for again."""
WORTH_TELLING = 5.0
"""Seconds by which a clock may be off before a test says so."""
MOST_SHOWN = 10


class DnsMadeEasy:
    """An account at DNS Made Easy, by its API key."""

    name: ClassVar[str] = "dnsmadeeasy"
    title: ClassVar[str] = TITLE
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="api_key",
            label="API key",
            required=True,
            secret=True,
            help="In the control panel: Config, Account Information.",
        ),
        Field(name="api_secret", label="Secret key", required=True, secret=True),
        Field(
            name="sandbox",
            label="Sandbox",
            default="no",
            choices=tuple(BASE_URLS),
            help="The vendor's test environment, with accounts and keys of its own.",
            rare=True,
        ),
    )
    caps: ClassVar[Caps] = Caps(semantics="record", min_ttl=10, at_once=4)
    least_right: ClassVar[str] = (
        "none is smaller than the whole account: its API key may change all its domains"
    )
    example: ClassVar[str] = (
        "kmtui dns add dme --provider dnsmadeeasy --secret api_key=@key.txt "
        "--secret api_secret=@secret.txt --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "The interface is part of the Business plan and of larger ones.",
        f"All programs with one key share {CALLS} calls in 5 minutes. A value takes two of them, "
        "a name and its zone one more each; kmtui waits when none is left.",
        "Each call is signed with its time: this host's clock must be right to half a minute.",
        "Keys of the sandbox work only there (`sandbox=yes`), and its name servers are not the "
        "Internet's.",
    )
    docs: ClassVar[str] = "https://api-docs.dnsmadeeasy.com/"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        clock: Callable[[], datetime] = utc_now,
        window: Window | None = None,
    ) -> None:
        """`clock` is the time that calls are signed with."""
        url = settings.get("base_url") or BASE_URLS[settings.get("sandbox") or "no"]
        self._session = DnsMadeEasySession(
            read("base_url", base_url, url),
            secret(secrets, "api_key"),
            secret(secrets, "api_secret"),
            clock=clock,
            window=window,
        )
        self._allowed = AllowedZones(settings)
        self._public = surroundings.public_nameservers
        self._looking = asyncio.Lock()
        self._listed: tuple[float, list[Zone]] = (-math.inf, [])
        """When all zones were listed, and what came."""
        self._known: dict[str, tuple[float, Zone]] = {}

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. A record made and removed again shows each right."""
        lines = list(await self._check_key())
        for name in names if lines[0].ok else ():
            zone = read("name", parse_name, name.removeprefix("*."))
            lines += (
                await self._check_zone(text_of(zone))
                if zone in self._allowed.names
                else await try_names(self, [name])
            )
        return Report(tuple(lines))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone. One list of all zones costs less than asking for each name."""
        self._allowed.require(fqdn)
        asked = asyncio.get_running_loop().time()
        async with self._looking:
            now = asyncio.get_running_loop().time()
            at, zones = self._listed
            known = longest_match(parse_name(fqdn), [zone.name for zone in zones]) is not None
            # A zone that is missing may have been made after a list older than the question.
            if at < (now - ZONE_MEMORY if known else asked):
                zones = await self._list()
            found = await choose(fqdn, zones, self._public)
            until, zone = self._known.get(found.id, (0.0, found))
            if now >= until:
                zone = await self._ask_for_servers(found)
                self._known[zone.id] = (now + ZONE_MEMORY, zone)
        return zone

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One call for each value that is not there yet."""
        name = relative(fqdn, zone)
        there = await self._records(zone.id, name)
        in_use = [row["ttl"] for row in there if isinstance(row.get("ttl"), int)]
        ttl = min(in_use, default=max(ttl, self.caps.min_ttl))
        ids = {_value(row): _id(row) for row in there}
        for value in sorted(values - ids.keys()):
            ids[value] = await self._create(zone.id, name, value, ttl)
        return [TxtHandle.of(zone, fqdn, value, ids[value]) for value in sorted(values)]

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. DNS Made Easy says nothing."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. One call for each value whose record is known by id."""
        for handle in handles:
            if handle.record_id:
                await self._delete(handle, handle.record_id)
            else:
                for record_id in await self._find(handle):
                    await self._delete(handle, record_id)

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self._session.aclose()

    async def _list(self) -> list[Zone]:
        """All zones of the account, without their servers: the list does not have them."""
        rows = await self._session.pages("/dns/managed/", {})
        now = asyncio.get_running_loop().time()
        zones = [zone for row in rows if (zone := _zone(row)) is not None]
        self._listed = (now, zones)
        self._known = {key: kept for key, kept in self._known.items() if kept[0] > now}
        return zones

    async def _ask_for_servers(self, zone: Zone) -> Zone:
        reply = await self._session.call(
            "GET", "/dns/managed/name", params={"domainname": zone.text}
        )
        found = _zone(self._session.read(reply))
        return found if found is not None and found.name == zone.name else zone

    async def _records(self, zone_id: str, name: str) -> list[dict[str, Any]]:
        """The TXT records at a name relative to its zone, all pages."""
        params = {"recordName": name, "type": "TXT"}
        rows = await self._session.pages(f"/dns/managed/{zone_id}/records", params)
        # An empty name may well be taken for no filter at all.
        return [
            row
            for row in rows
            if row.get("type") == "TXT" and str(row.get("name", "")).lower() == name
        ]

    async def _create(self, zone_id: str, name: str, value: str, ttl: int) -> str | None:
        """The id of a new record, or of the one that a try before made."""
        reply = await self._session.call(
            "POST",
            f"/dns/managed/{zone_id}/records/",
            body={
                "type": "TXT",
                "name": name,
                "value": value,
                "ttl": ttl,
                "gtdLocation": "DEFAULT",
            },
        )
        if is_duplicate(reply):
            rows = await self._records(zone_id, name)
            return next((_id(row) for row in rows if _value(row) == value), None)
        return _id(self._session.read(reply))

    async def _find(self, handle: TxtHandle) -> list[str]:
        """The ids of the records with just this value."""
        zone = Zone(id=handle.zone_id, name=parse_name(handle.zone_name))
        rows = await self._records(zone.id, relative(handle.fqdn, zone))
        ids = [_id(row) for row in rows if _value(row) == handle.value]
        return [record_id for record_id in ids if record_id is not None]

    async def _delete(self, handle: TxtHandle, record_id: str) -> None:
        reply = await self._session.call(
            "DELETE", f"/dns/managed/{handle.zone_id}/records/{record_id}"
        )
        if reply.ok or reply.status == 404:
            return
        if reply.status == 400 and not await self._find(handle):
            return  # Refused, and gone: somebody was faster.
        raise self._session.refusal(reply)

    async def _check_key(self) -> tuple[CheckLine, ...]:
        """Whether the key is accepted, which zones it is for, and what is worth knowing."""
        try:
            zones = await self._list()
        except DnsProviderError as error:
            return failure_lines(error)
        shown = ", ".join(zone.text for zone in zones[:MOST_SHOWN]) or "none"
        more = f" and {len(zones) - MOST_SHOWN} more" if len(zones) > MOST_SHOWN else ""
        lines = [CheckLine(True, f"{TITLE} accepts the key; zones: {shown}{more}")]
        ahead = self._session.seconds_ahead
        if ahead is not None and abs(ahead) > WORTH_TELLING:
            lines.append(CheckLine(None, f"this host's clock differs by {abs(ahead):.0f} s"))
        return tuple(lines)

    async def _check_zone(self, name: str) -> tuple[CheckLine, ...]:
        """Whether a zone that the operator named is there."""
        try:
            zone = await self.find_zone(name)
        except DnsProviderError as error:
            return failure_lines(error)
        served = f", served by {', '.join(zone.nameservers)}" if zone.nameservers else ""
        lines = [CheckLine(True, f"zone {zone.text} is in the account{served}")]
        if zone.extra.get("pending"):
            lines.append(CheckLine(None, f"{TITLE} is still changing zone {zone.text}"))
        return tuple(lines)


def _zone(row: Mapping[str, Any]) -> Zone | None:
    """A zone of a reply; None for what has no id or no name that can be one."""
    record_id = _id(row)
    try:
        name = parse_name(str(row.get("name") or ""))
    except ValueError:
        return None
    if record_id is None:
        return None
    lists = (row.get(key) for key in ("nameServers", "vanityNameServers"))
    servers = (server for found in lists if isinstance(found, list) for server in found)
    names = (str(each.get("fqdn") or "") for each in servers if isinstance(each, dict))
    return Zone(
        id=record_id,
        name=name,
        nameservers=tuple(server.lower().rstrip(".") for server in names if server),
        extra={"pending": "yes"} if row.get("pendingActionId") else {},
    )


def _id(row: Mapping[str, Any]) -> str | None:
    """An id, which is a number, as part of a path."""
    found = row.get("id")
    return str(found) if str(found).isdigit() else None


def _value(row: Mapping[str, Any]) -> str:
    """The value of a record: it comes back quoted, however it was sent."""
    return joined(str(row.get("value") or ""))
