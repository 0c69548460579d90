"""ClouDNS: TXT records one by one, by its HTTP interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from kmtui.core.dns.cloudns_errors import INVALID_TTL
from kmtui.core.dns.cloudns_session import TITLE, CloudnsSession, api_user, rows
from kmtui.core.dns.cloudns_signal import CloudnsSignal
from kmtui.core.dns.cloudns_zones import PER_PAGE, CloudnsZones, oddity
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import tell
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
from kmtui.core.dns.trial import try_names
from kmtui.core.dns.txt import joined
from kmtui.core.dns.zones import AllowedZones, relative
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine, Field

TTLS = (60, 300, 900, 1800, 3600, 21600, 43200, 86400, 172800, 259200, 604800, 1209600, 2592000)
"""The only ones there are; a plan may allow fewer."""
MOST_SHOWN = 10
"""Zones that a test of the account names."""


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    value: str
    ttl: int


class Cloudns:
    """Zones at ClouDNS, changed as an API user or one of its sub-users."""

    name: ClassVar[str] = "cloudns"
    title: ClassVar[str] = TITLE
    fields: ClassVar[tuple[Field, ...]] = (
        Field(name="auth_id", label="API user ID", help="A number: of a user with all zones."),
        Field(
            name="sub_auth_id",
            label="Sub-user ID",
            help="Instead: the number of a sub-user, who sees only the zones delegated to it.",
        ),
        Field(name="sub_auth_user", label="Sub-user name", help="Instead: that sub-user's name."),
        Field(
            name="auth_password",
            label="API password",
            required=True,
            secret=True,
            help="Of the API user or sub-user; not the one of the control panel.",
        ),
    )
    caps: ClassVar[Caps] = Caps(semantics="record", min_ttl=TTLS[0], has_change_signal=True)
    least_right: ClassVar[str] = "an API sub-user to whom only the zones needed are delegated"
    example: ClassVar[str] = (
        "kmtui dns add cloudns --provider cloudns --set sub_auth_id=1234 "
        "--secret auth_password=@password.txt --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "The HTTP API is part of paid plans. API users are made under API & Resellers; one may be "
        "limited to some IP addresses, which must include this host's.",
        f"TTLs are {', '.join(map(str, TTLS[:5]))} … {TTLS[-1]} only: another is raised to the "
        "next of them.",
        "kmtui waits until ClouDNS says that all its servers have a record: CAs ask several.",
        "20 calls in a second and 600 in a minute are allowed to an IP address.",
    )
    docs: ClassVar[str] = "https://www.cloudns.net/wiki/article/41/"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        pace: Pace | None = None,
        signal: Mapping[str, float] | None = None,
    ) -> None:
        """See DnsProvider. `pace` is the limit of calls, `signal` the seconds of CloudnsSignal."""
        self._allowed = AllowedZones(settings)
        user = api_user(settings, secrets)
        self._session = CloudnsSession(user, settings.get("base_url", ""), pace)
        self._zones = CloudnsZones(self._session)
        self._signal = CloudnsSignal(self._session, **(signal or {}))

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. A record that is made and removed again shows each right."""
        try:
            await self._session.call("login")
            zones = await self._zones.first()
        except DnsProviderError as error:
            return Report(failure_lines(error))
        lines = [CheckLine(True, f"{TITLE} accepts the API user"), *_seen(zones)]
        return Report((*lines, *await try_names(self, names)))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        self._allowed.require(fqdn)
        return await self._zones.of(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One call for each value that is not there yet."""
        there = await self._records(zone, fqdn)
        ttl = next((record.ttl for record in there if record.ttl), 0) or await self._choose(ttl)
        ids = {record.value: record.id for record in there}
        for value in sorted(values - ids.keys()):
            ids[value] = await self._create(zone, fqdn, value, ttl)
        return [TxtHandle.of(zone, fqdn, value, ids[value]) for value in sorted(values)]

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. Asks until all servers of ClouDNS have each zone."""
        await self._signal.wait(dict.fromkeys(handle.zone_name for handle in handles), deadline)

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove.

        The id alone is not trusted: somebody may have given the record another value since.
        """
        for (zone_id, zone_name, fqdn), group in groupby(sorted(handles, key=_place), key=_place):
            zone = Zone(id=zone_id, name=parse_name(zone_name))
            ours = {handle.value for handle in group}
            for record in await self._records(zone, fqdn):
                if record.value in ours:
                    await self._delete(zone, fqdn, record)

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self._session.aclose()

    async def _records(self, zone: Zone, fqdn: str) -> list[_Record]:
        """The TXT records at a name, all pages."""
        host = relative(fqdn, zone)
        found: dict[str, Mapping[str, Any]] = {}
        page, more = 0, True
        while more:
            page += 1
            answer = await self._session.call(
                "records",
                domain_name=zone.id,
                host=host,
                type="TXT",
                rows_per_page=str(PER_PAGE),
                page=str(page),
            )
            listed = {str(row.get("id")): row for row in rows(answer)}
            more = len(listed) >= PER_PAGE and not listed.keys() <= found.keys()
            found |= listed
        # What ClouDNS does not understand of a filter it leaves out.
        return [
            _Record(record_id, joined(str(row.get("record"))), _ttl(row.get("ttl")))
            for record_id, row in found.items()
            if row.get("type") == "TXT" and _host(row) == host
        ]

    async def _choose(self, ttl: int) -> int:
        """The TTL of a new set."""
        allowed = _nearest(ttl, TTLS)
        if allowed != ttl > self.caps.min_ttl:
            await tell(f"{TITLE} has no TTL {ttl}: it is {allowed}")
        return allowed

    async def _create(self, zone: Zone, fqdn: str, value: str, ttl: int) -> str:
        """The id of a new record, or of the one that was there already."""
        try:
            answer = await self._session.call(
                "add-record",
                domain_name=zone.id,
                record_type="TXT",
                host=relative(fqdn, zone),
                record=value,
                ttl=str(ttl),
            )
        except DnsProviderError as error:
            if error.kind in ("rate_limited", "transient"):
                raise
            if INVALID_TTL.search(error.raw_code):
                answer = await self._session.call("get-available-ttl", domain_name=zone.id)
                allowed = answer if isinstance(answer, list) else ()
                other = _nearest(ttl, sorted(filter(None, map(_ttl, allowed))))
                if other != ttl:
                    await tell(f"{TITLE} does not allow TTL {ttl} in {zone.text}: it is {other}")
                    return await self._create(zone, fqdn, value, other)
            # How ClouDNS refuses a record that is there already is nowhere written.
            if (there := await self._id_of(zone, fqdn, value)) is None:
                raise
            return there
        data = answer.get("data") if isinstance(answer, dict) else None
        record_id = data.get("id") if isinstance(data, dict) else None
        found = str(record_id) if record_id else await self._id_of(zone, fqdn, value)
        if found is None:
            raise DnsProviderError(
                f"{TITLE} accepted a TXT record at {fqdn} and does not show it",
                kind="transient",
                hint="try again; when it stays so, look at the zone in the control panel",
            )
        return found

    async def _delete(self, zone: Zone, fqdn: str, record: _Record) -> None:
        try:
            await self._session.call("delete-record", domain_name=zone.id, record_id=record.id)
        except DnsProviderError as error:
            if error.kind in ("rate_limited", "transient"):
                raise
            # Refused, and gone: somebody was faster.
            if record.id in {left.id for left in await self._records(zone, fqdn)}:
                raise

    async def _id_of(self, zone: Zone, fqdn: str, value: str) -> str | None:
        there = await self._records(zone, fqdn)
        return next((record.id for record in there if record.value == value), None)


def _seen(zones: Sequence[Zone]) -> list[CheckLine]:
    """Zones that were seen, for a test of the account, with what is odd about each."""
    if not zones:
        return [CheckLine(None, "no zone can be listed")]
    more = f" and {len(zones) - MOST_SHOWN} more" if len(zones) > MOST_SHOWN else ""
    shown = zones[:MOST_SHOWN]
    names = ", ".join(zone.text for zone in shown)
    odd = (CheckLine(None, text) for text in filter(None, map(oddity, shown)))
    return [CheckLine(True, f"zones: {names}{more}"), *odd]


def _nearest(ttl: int, allowed: Sequence[int]) -> int:
    """The next TTL that is allowed, or the longest."""
    return next((each for each in allowed if each >= ttl), allowed[-1] if allowed else ttl)


def _ttl(found: Any) -> int:
    """A TTL, which comes as a number or as its digits; 0 for anything else."""
    return int(found) if str(found).isascii() and str(found).isdigit() else 0


def _host(row: Mapping[str, Any]) -> str:
    """A record's name within its zone; empty for the zone's own."""
    host = str(row.get("host") or "").lower()
    return "" if host == "@" else host


def _place(handle: TxtHandle) -> tuple[str, str, str]:
    return handle.zone_id, handle.zone_name, handle.fqdn
