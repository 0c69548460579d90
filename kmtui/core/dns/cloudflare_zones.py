"""The zones that a Cloudflare account shows, asked for as seldom as possible."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kmtui.core.dns.cloudflare_session import Answer, CloudflareSession
from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.names import longest_match, parse_name
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.zones import AllowedZones, candidates, zone_not_found
from kmtui.core.errors import DnsProviderError
from kmtui.model import CheckLine

PER_PAGE = 50
MOST_SHOWN = 10
"""Zones that a test of the account names."""
PRIVATE = "internal"
"""The type of zones that are not on the Internet."""

EDIT = "#dns_records:edit"
"""The right to change records, in the list of rights that a zone comes with."""

_RIGHT_TO_READ = "give the token Zone:Read for the zone, or set `zone_id`"

# What is worth knowing of a zone, by what Cloudflare calls its type and status.
ODD = {
    "partial": "is a partial (CNAME) setup: its TXT records are served elsewhere",
    "secondary": "is a secondary zone: its records are changed at its primary server",
    "pending": "is pending: it is not delegated to Cloudflare's name servers yet",
    "initializing": "is being set up",
    "moved": "was moved away from Cloudflare's name servers",
}
MAY_NOT_EDIT = "may be read, but its DNS records not edited: the token needs DNS:Edit"


@dataclass(frozen=True, slots=True)
class _Seen:
    """Zones that were seen; `all_of_them` when there are no others. Good `until` (loop time)."""

    zones: tuple[Zone, ...] = ()
    all_of_them: bool = False
    until: float = 0.0

    def of(self, fqdn: str) -> list[Zone]:
        """Those with the longest name that `fqdn` lies in."""
        longest = longest_match(parse_name(fqdn), [zone.name for zone in self.zones])
        return [zone for zone in self.zones if zone.name == longest]


class CloudflareZones:
    """Zones by name, or the one of a configured id.

    The first page of zones is kept for a minute. Where it is the only one, as mostly, it answers
    for every name; else every name that a zone may have is asked for.
    """

    def __init__(self, session: CloudflareSession, allowed: AllowedZones, zone_id: str) -> None:
        """`zone_id` is empty when the account may list zones."""
        self._session = session
        self._allowed = allowed
        self._zone_id = zone_id
        self._seen = _Seen()
        self._looking = asyncio.Lock()

    async def of(self, fqdn: str) -> Sequence[Zone]:
        """The zones with the longest name that `fqdn` lies in: one, or several of one name.

        Raises DnsProviderError: ``zone_not_found`` when there is none.
        """
        async with self._looking:
            good = asyncio.get_running_loop().time() < self._seen.until
            # A zone that is not among them may have been made since.
            if not good or (self._seen.all_of_them and not self._seen.of(fqdn)):
                await self._look()
            seen = self._seen
        found = seen.of(fqdn) if seen.all_of_them else await self._probe(fqdn)
        if not found:
            raise zone_not_found(fqdn, candidates(fqdn), self._way_out())
        return found

    async def first(self) -> Sequence[Zone]:
        """The first page of zones, asked for now."""
        async with self._looking:
            await self._look()
            return self._seen.zones

    async def _look(self) -> None:
        if self._zone_id:
            zones, pages = await self._configured(), 1
        else:
            answer = await self._session.call(
                lambda sdk: sdk.zones.with_raw_response.list(per_page=PER_PAGE)
            )
            zones, pages = tuple(_zones(answer)), answer.pages
        self._seen = _Seen(zones, pages <= 1, asyncio.get_running_loop().time() + MEMORY)

    async def _configured(self) -> tuple[Zone, ...]:
        """The zone of `zone_id`; only by the account's own word when the token may not read it."""
        try:
            answer = await self._session.call(
                lambda sdk: sdk.zones.with_raw_response.get(zone_id=self._zone_id)
            )
        except DnsProviderError as error:
            if error.kind != "permission":
                raise
            if len(self._allowed.names) != 1:
                error.hint = "name the zone in `zones`, or give the token Zone:Read for it"
                raise
            return (Zone(id=self._zone_id, name=self._allowed.names[0]),)
        return tuple(_zones(answer))

    async def _probe(self, fqdn: str) -> list[Zone]:
        for candidate in candidates(fqdn):
            if found := await self._named(candidate):
                return found
        return []

    async def _named(self, name: str) -> list[Zone]:
        answer = await self._session.call(
            lambda sdk: sdk.zones.with_raw_response.list(name=name, per_page=PER_PAGE)
        )
        return [zone for zone in _zones(answer) if zone.text == name]

    def _way_out(self) -> str:
        if not self._zone_id:
            return _RIGHT_TO_READ
        shown = ", ".join(zone.text for zone in self._seen.zones)
        return f"`zone_id` is the zone {shown}: clear it, or map the name to another DNS account"


def seen_lines(zones: Sequence[Zone]) -> list[CheckLine]:
    """Zones that were seen, for a test of the account, with what is odd about each."""
    if not zones:
        return [CheckLine(False, "the credential shows no zone"), CheckLine(None, _RIGHT_TO_READ)]
    more = f" and {len(zones) - MOST_SHOWN} more" if len(zones) > MOST_SHOWN else ""
    shown = zones[:MOST_SHOWN]
    names = ", ".join(f"{zone.text} ({zone.id})" for zone in shown)
    odd = [f"{zone.text} {text}" for zone in shown for text in _odd(zone)]
    return [CheckLine(True, f"zones: {names}{more}"), *(CheckLine(None, text) for text in odd)]


def _odd(zone: Zone) -> Iterator[str]:
    for member in ("type", "status"):
        if text := ODD.get(zone.extra.get(member, "")):
            yield text
    rights = zone.extra.get("rights", "")
    if rights and EDIT not in rights.split():
        yield MAY_NOT_EDIT


def _zones(answer: Answer) -> Iterator[Zone]:
    """The zones of a reply that are on the Internet."""
    for each in answer.members:
        if not (each.get("id") and each.get("name")) or each.get("type") == PRIVATE:
            continue
        servers = [*(each.get("name_servers") or ()), *(each.get("vanity_name_servers") or ())]
        account = each.get("account")
        yield Zone(
            id=str(each["id"]),
            name=parse_name(str(each["name"])),
            nameservers=tuple(str(name).lower().rstrip(".") for name in servers),
            extra={
                "account": str(account.get("id", "")) if isinstance(account, dict) else "",
                "type": str(each.get("type") or ""),
                "status": str(each.get("status") or ""),
                "rights": " ".join(map(str, each.get("permissions") or ())),
            },
        )
