"""GoDaddy: TXT records over the Domains API, whose writes replace sets without any guard."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, ClassVar

from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.endpoint import Endpoint
from kmtui.core.dns.godaddy_errors import BY_ALIAS, QUOTA_EXCEEDED, busy, refusal, said
from kmtui.core.dns.godaddy_records import SHORTEST_TTL, TxtRecords
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
from kmtui.core.dns.window import Window
from kmtui.core.dns.zones import AllowedZones, candidates, relative, zone_not_found
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine, Field

TITLE = "GoDaddy"
BASE_URL = "https://api.godaddy.com"
CALLS_PER_MINUTE = 50
"""Below the vendor's 60, which other programs with the same key share."""
ZONE_MEMORY = 60.0
"""Seconds for which a zone, or that there is none of a name, is not asked for again."""
MOST_SHOWN = 10


class GoDaddy:
    """An account at GoDaddy, by its API key."""

    name: ClassVar[str] = "godaddy"
    title: ClassVar[str] = TITLE
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="api_key",
            label="API key",
            required=True,
            secret=True,
            help="A production key of developer.godaddy.com/keys.",
        ),
        Field(
            name="api_secret",
            label="API secret",
            required=True,
            secret=True,
            help="Shown once, when the key is made.",
        ),
        Field(
            name="shopper_id",
            label="Shopper",
            help="Only for resellers: the customer whose domains these are.",
            rare=True,
        ),
    )
    caps: ClassVar[Caps] = Caps(
        semantics="rrset",
        min_ttl=SHORTEST_TTL,
        at_once=4,
        at_once_per_zone=1,
        propagation_timeout=600,
    )
    least_right: ClassVar[str] = (
        "none is smaller than the whole account: a production API key may change all its domains"
    )
    example: ClassVar[str] = (
        "kmtui dns add godaddy --provider godaddy --secret api_key=@key.txt "
        "--secret api_secret=@secret.txt --zone example.org"
    )
    notes: ClassVar[tuple[str, ...]] = (
        "GoDaddy opens its DNS interface only to accounts with ten or more domains, or a Discount "
        f"Domain Club plan. Otherwise {BY_ALIAS}; that also keeps this key off the host.",
        "Domain Protection makes GoDaddy report success and store nothing: switch it off for DNS "
        "changes.",
        "The key allows 60 calls a minute to all programs that use it. With the zones of the "
        "account named here, no call goes into looking for them.",
        "TTLs start at 600 seconds, and a change may take minutes until all servers have it.",
        "Test environment (OTE): keys of its own, and `base_url=https://api.ote-godaddy.com`.",
    )
    docs: ClassVar[str] = "https://developer.godaddy.com/doc/endpoint/domains"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
        *,
        pace: Window | None = None,
        settle_seconds: float = 1.0,
    ) -> None:
        """`settle_seconds` lie between two looks at a change that is not to be seen yet."""
        key, password = secret(secrets, "api_key"), secret(secrets, "api_secret")
        self._headers = {"Authorization": f"sso-key {key}:{password}", "Accept": "application/json"}
        if settings.get("shopper_id"):
            self._headers["X-Shopper-Id"] = read("shopper_id", _number, settings["shopper_id"])
        self._allowed = AllowedZones(settings)
        self._settle_seconds = settle_seconds
        self._known: dict[str, tuple[float, Zone | None]] = {}
        self._looking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        why = f"{TITLE} allows {CALLS_PER_MINUTE} calls a minute"
        self._api = Api(
            TITLE,
            read("base_url", base_url, settings.get("base_url") or BASE_URL),
            pace=pace or Window(CALLS_PER_MINUTE, 60.0, why=why),
            limited=self._limited,
            request_id=("x-request-id",),
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. A record made and removed again shows each right."""
        lines = list(await self._check_key(alone=not names))
        for name in names if lines[0].ok is not False else ():
            zone = read("name", parse_name, name.removeprefix("*."))
            lines += (
                await self._check_zone(text_of(zone))
                if zone in self._allowed.names
                else await try_names(self, [name])
            )
        return Report(tuple(lines))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone. Each name that may be a zone is asked for its NS records."""
        self._allowed.require(fqdn)
        tried = candidates(fqdn)
        explicit = longest_match(parse_name(fqdn), self._allowed.names)
        if explicit is not None:
            # A zone that the operator names need not be looked for below it.
            tried = [name for name in tried if explicit.is_subdomain(parse_name(name))]
        denied: list[DnsProviderError] = []
        for candidate in tried:
            try:
                zone = await self._zone(candidate)
            except DnsProviderError as error:
                # Some accounts are denied what is not theirs, and only that.
                if error.kind not in ("plan_restriction", "permission"):
                    raise
                denied.append(error)
            else:
                if zone is not None:
                    return zone
        for candidate in tried:  # It may be made, or the key allowed, before the next question.
            self._known.pop(candidate, None)
        if denied and len(denied) == len(tried):
            raise denied[-1]
        raise zone_not_found(
            fqdn, tried, "check that the account whose key this is holds the domain"
        )

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. One PATCH, which adds to what others have."""
        handles = [TxtHandle.of(zone, fqdn, value) for value in sorted(values)]
        await self._records(handles[0]).settle(wanted=values, ttl=ttl)
        return handles

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. GoDaddy says nothing."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. The rest of a set is written back, or the set deleted."""
        by_name: defaultdict[tuple[str, str], list[TxtHandle]] = defaultdict(list)
        for handle in handles:
            by_name[handle.zone_name, handle.fqdn].append(handle)
        for group in by_name.values():
            await self._records(group[0]).settle(unwanted={handle.value for handle in group})

    async def aclose(self) -> None:
        """See DnsProvider.aclose."""
        await self._api.aclose()

    def _records(self, at: TxtHandle) -> TxtRecords:
        zone = Zone(id=at.zone_id, name=parse_name(at.zone_name))
        name = relative(at.fqdn, zone, apex="@")
        path = _path(at.zone_name)
        return TxtRecords(self._api, self._call, path, name, at.fqdn, self._settle_seconds)

    async def _call(self, method: str, path: str, **more: Any) -> Reply:
        return await self._api.call(
            method, path, headers=self._headers, passing=partial(busy, self._api), **more
        )

    def _limited(self, reply: Reply) -> float | None:
        """See Api: seconds when the reply says "too fast". Raises DnsProviderError (``quota``)."""
        if reply.status != 429:
            return None
        if said(reply)[0] == QUOTA_EXCEEDED:
            raise refusal(self._api, reply)
        body = reply.json()
        seconds = body.get("retryAfterSec") if isinstance(body, dict) else None
        if isinstance(seconds, int | float) and seconds > 0:
            return float(seconds)
        return reply.retry_after or 0.0

    async def _zone(self, name: str) -> Zone | None:
        """The zone of exactly this name; None when the account has none."""
        async with self._looking[name]:
            now = asyncio.get_running_loop().time()
            until, zone = self._known.get(name, (0.0, None))
            if now >= until:
                zone = await self._ask_for_zone(name)
                self._known = {key: kept for key, kept in self._known.items() if kept[0] > now}
                self._known[name] = (now + ZONE_MEMORY, zone)
        self._looking.pop(name, None)
        return zone

    async def _ask_for_zone(self, name: str) -> Zone | None:
        # The domain itself (GET /v1/domains/NAME) would also tell its owner's address and the code
        # that transfers it.
        reply = await self._call("GET", f"{_path(name)}/records/NS")
        if reply.status in (404, 422):
            return None
        if not reply.ok:
            raise refusal(self._api, reply)
        records = reply.json()
        if not isinstance(records, list):
            raise self._api.unreadable(reply)
        servers = (
            str(record.get("data") or "").lower().rstrip(".")
            for record in records
            if isinstance(record, dict) and record.get("name") in ("@", name)
        )
        return Zone(id=name, name=parse_name(name), nameservers=tuple(filter(None, servers)))

    async def _check_key(self, *, alone: bool) -> tuple[CheckLine, ...]:
        """Whether the key is accepted, and which domains it is for; `alone` with no names to try.

        Where names follow, the right to list domains is not needed.
        """
        try:
            reply = await self._call("GET", "/v1/domains", params={"statuses": "ACTIVE"})
            if not reply.ok:
                raise refusal(self._api, reply)
        except DnsProviderError as error:
            if error.kind == "auth" or alone:
                return failure_lines(error)
            return (CheckLine(None, f"the domains cannot be listed: {error.message}"),)
        body = reply.json()
        if not isinstance(body, list):
            return failure_lines(self._api.unreadable(reply))
        domains = [
            str(each["domain"]) for each in body if isinstance(each, dict) and "domain" in each
        ]
        shown = ", ".join(domains[:MOST_SHOWN]) or "none"
        more = f" and {len(domains) - MOST_SHOWN} more" if len(domains) > MOST_SHOWN else ""
        return (CheckLine(True, f"{TITLE} accepts the key; domains: {shown}{more}"),)

    async def _check_zone(self, name: str) -> tuple[CheckLine, ...]:
        """Whether a zone that the operator named is there."""
        try:
            zone = await self.find_zone(name)
        except DnsProviderError as error:
            return failure_lines(error)
        served = f", served by {', '.join(zone.nameservers)}" if zone.nameservers else ""
        return (CheckLine(True, f"zone {zone.text} is in the account{served}"),)


def _number(text: str) -> str:
    """A shopper's number. Raises ValueError."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a shopper's number")
    return text


def _path(zone: str) -> str:
    return f"/v1/domains/{zone}"
