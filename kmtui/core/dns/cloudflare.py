"""Cloudflare: TXT records by its v4 interface, with its official SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from kmtui.core.dns.api import Api
from kmtui.core.dns.cloudflare_errors import GONE, IDENTICAL
from kmtui.core.dns.cloudflare_session import BASE_URL, Call, CloudflareSession, Credential
from kmtui.core.dns.cloudflare_zones import CloudflareZones, seen_lines
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.names import parse_name, text_of
from kmtui.core.dns.pace import Pace
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
from kmtui.core.dns.settings import secret
from kmtui.core.dns.trial import try_names
from kmtui.core.dns.txt import joined, quoted
from kmtui.core.dns.window import Window
from kmtui.core.dns.zones import AllowedZones, choose
from kmtui.core.errors import DnsProviderError, InvalidInput
from kmtui.model import CheckLine, Field

LONGEST_TTL = 86400
CALLS, SECONDS = 1200, 300.0
"""So many calls in any so many seconds are allowed to a user, whatever makes them."""
RECORDS_PER_PAGE = 100
EMAIL = re.compile(r"[!-~]+@[!-~]+")
ZONE_ID = re.compile(r"[0-9a-f]{32}")
COMMENT = "kmtui"
"""At each record, for whoever wonders in the dashboard."""


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    value: str
    ttl: int | None


class Cloudflare:
    """Zones at Cloudflare, changed with a scoped token or with the global key of a user."""

    name: ClassVar[str] = "cloudflare"
    title: ClassVar[str] = "Cloudflare"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="api_token",
            label="API token",
            secret=True,
            help="A token with DNS:Edit and Zone:Read for the zones.",
        ),
        Field(
            name="zone_token",
            label="Zone token",
            secret=True,
            help="A second token with Zone:Read, when the first has DNS:Edit alone.",
            rare=True,
        ),
        Field(
            name="zone_id",
            label="Zone ID",
            help="Of the only zone, for tokens that may not list zones.",
            rare=True,
        ),
        Field(
            name="email", label="E-mail", help="Only with the global key: whose it is.", rare=True
        ),
        Field(
            name="api_key",
            label="Global key",
            secret=True,
            help="Instead of a token: it may change everything the user may.",
            rare=True,
        ),
    )
    caps: ClassVar[Caps] = Caps(semantics="record", min_ttl=60)
    least_right: ClassVar[str] = "a token with Zone / Zone / Read and Zone / DNS / Edit on the zone"
    example: ClassVar[str] = (
        "kmtui dns add cf --provider cloudflare --secret api_token=@token.txt --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "Make the token under My Profile, API Tokens, with the template Edit zone DNS.",
        "A token with DNS:Edit alone works too: set `zone_id`, or `zone_token` for reading zones.",
        "The global key (`email` and `api_key`) opens the whole account: prefer a token.",
        "1200 calls in five minutes are allowed to a user, with all tokens and the dashboard; then "
        "Cloudflare refuses calls for five minutes. A name takes four calls.",
    )
    docs: ClassVar[str] = "https://developers.cloudflare.com/api/resources/dns/"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        pace: Pace | None = None,
    ) -> None:
        """See DnsProvider. `pace` is the limit of calls, Cloudflare's own by default."""
        credential, reading = _credentials(settings, secrets)
        zone_id = settings.get("zone_id", "").strip().lower()
        if zone_id and not ZONE_ID.fullmatch(zone_id):
            raise InvalidInput(
                "a zone ID is 32 hexadecimal digits",
                field="zone_id",
                hint="it is on the zone's overview page, below API",
            )
        self._allowed = AllowedZones(settings)
        self._surroundings = surroundings
        api = Api(
            self.title,
            settings.get("base_url") or BASE_URL,
            pace=pace or Window(CALLS, SECONDS, why="Cloudflare's limit"),
            request_id=("cf-ray", "cf-auditlog-id"),
        )
        self._session = CloudflareSession(credential, api)
        self._reading = CloudflareSession(reading, api) if reading else self._session
        self._has_token = credential.token is not None
        self._zones = CloudflareZones(self._reading, self._allowed, zone_id)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. A record that is made and removed again shows the right."""
        try:
            zones = await self._zones.first()
        except DnsProviderError as error:
            return Report((*await self._check_credential(), *failure_lines(error)))
        credential = await self._check_credential(zones)
        return Report((*credential, *seen_lines(zones), *await try_names(self, names)))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        self._allowed.require(fqdn)
        return await choose(fqdn, await self._zones.of(fqdn), self._surroundings.public_nameservers)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One record for each value that is not there yet."""
        there = await self._records(zone.id, fqdn)
        ttl = min(max(ttl, self.caps.min_ttl), LONGEST_TTL)
        ttl = next((record.ttl for record in there if record.ttl), ttl)
        ids = {record.value: record.id for record in there}
        return [
            TxtHandle.of(
                zone, fqdn, value, ids.get(value) or await self._create(zone, fqdn, value, ttl)
            )
            for value in sorted(values)
        ]

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. Cloudflare says nothing; it takes seconds."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove.

        The id alone is not trusted: somebody may have given the record another value since.
        """
        place = _place_of
        for (zone_id, fqdn), group in groupby(sorted(handles, key=place), key=place):
            ours = {handle.value for handle in group}
            for record in await self._records(zone_id, fqdn):
                if record.value in ours:
                    await self._delete(zone_id, record.id)

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self._session.aclose()
        await self._reading.aclose()

    async def _records(self, zone_id: str, fqdn: str) -> list[_Record]:
        """The TXT records at a name. A filter by content would miss other ways of quoting."""
        found: list[_Record] = []
        name, page, pages = text_of(parse_name(fqdn)), 0, 1
        while page < pages:
            page += 1
            answer = await self._session.call(_list_records(zone_id, name, page))
            found += [
                _Record(str(each.get("id")), joined(str(each.get("content"))), each.get("ttl"))
                for each in answer.members
                # A vendor ignores a filter that it does not know.
                if each.get("type") == "TXT" and str(each.get("name")).lower() == name
            ]
            pages = answer.pages
        return found

    async def _create(self, zone: Zone, fqdn: str, value: str, ttl: int) -> str | None:
        """The new record's id; None when the value is there and its record cannot be told."""
        name = text_of(parse_name(fqdn))
        try:
            answer = await self._session.call(
                lambda sdk: sdk.dns.records.with_raw_response.create(
                    zone_id=zone.id,
                    type="TXT",
                    name=name,
                    # Unquoted content works, and shows a warning in the dashboard.
                    content=quoted(value),
                    ttl=ttl,
                    comment=COMMENT,
                )
            )
        except DnsProviderError as error:
            if error.raw_code not in IDENTICAL:
                raise
            there = await self._records(zone.id, fqdn)
            return next((record.id for record in there if record.value == value), None)
        return next((str(each["id"]) for each in answer.members if "id" in each), None)

    async def _delete(self, zone_id: str, record_id: str) -> None:
        try:
            await self._session.call(
                lambda sdk: sdk.dns.records.with_raw_response.delete(record_id, zone_id=zone_id)
            )
        except DnsProviderError as error:
            if error.raw_code not in (GONE, "404"):
                raise

    async def _check_credential(self, zones: Sequence[Zone] = ()) -> list[CheckLine]:
        """What Cloudflare says of the token. Whether it works, calls about zones and records tell:
        a token that belongs to an account is known only there, and even that can be closed to it.
        """
        if not self._has_token:
            return [CheckLine(None, "the global key can change everything; a token is safer")]
        accounts = sorted({zone.extra["account"] for zone in zones if zone.extra.get("account")})
        for call in (_verify_users(), *map(_verify_accounts, accounts[:1])):
            with suppress(DnsProviderError):
                for token in (await self._session.call(call)).members:
                    return _token_lines(token)
        if zones:
            try:
                await self._records(zones[0].id, zones[0].text)
            except DnsProviderError as error:
                return list(failure_lines(error))
        return []


def _credentials(
    settings: Mapping[str, str], secrets: Secrets
) -> tuple[Credential, Credential | None]:
    """What changes records, and what reads zones where that is another. Raises InvalidInput."""
    token, reading, key = (secret(secrets, name) for name in ("api_token", "zone_token", "api_key"))
    email = settings.get("email", "").strip()
    for wrong, field, message in (
        (not token and not key and not email, "api_token", "a token is missing"),
        (token and key, "api_key", "either a token or the global key is used, not both"),
        (token and email, "email", "an e-mail address goes with the global key, not with a token"),
        (reading and not token, "zone_token", "a zone token goes with an API token"),
        (email and not key, "api_key", "the global key of this e-mail address is missing"),
        (key and not email, "email", "the e-mail address of the global key is missing"),
        (email and not EMAIL.fullmatch(email), "email", f"{email!r} is no e-mail address"),
    ):
        if wrong:
            hint = next(each.help for each in Cloudflare.fields if each.name == field)
            raise InvalidInput(message, field=field, hint=hint)
    if token:
        return Credential(token=token), Credential(token=reading) if reading else None
    return Credential(email=email, key=key), None


def _verify_users() -> Call:
    return lambda sdk: sdk.user.tokens.with_raw_response.verify()


def _verify_accounts(account_id: str) -> Call:
    return lambda sdk: sdk.accounts.tokens.with_raw_response.verify(account_id=account_id)


def _list_records(zone_id: str, name: str, page: int) -> Call:
    return lambda sdk: sdk.dns.records.with_raw_response.list(
        zone_id=zone_id, type="TXT", name={"exact": name}, page=page, per_page=RECORDS_PER_PAGE
    )


def _token_lines(token: Mapping[str, Any]) -> list[CheckLine]:
    status = str(token.get("status"))
    if status != "active":
        new = CheckLine(None, "make a new token, or turn it on again in the dashboard")
        return [CheckLine(False, f"the token is {status}"), new]
    until = token.get("expires_on")
    return [CheckLine(True, "the token is active" + (f" until {until}" if until else ""))]


def _place_of(handle: TxtHandle) -> tuple[str, str]:
    return handle.zone_id, handle.fqdn
