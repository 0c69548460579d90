"""The zones that a Cloudflare account shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmtui.core.dns.cloudflare_session import Answer, CloudflareSession
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.zone_page import Page, ZonePage
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


class CloudflareZones:
    """Zones by name, or the one of a configured id."""

    def __init__(self, session: CloudflareSession, allowed: AllowedZones, zone_id: str) -> None:
        """`zone_id` is empty when the account may list zones."""
        self._session = session
        self._allowed = allowed
        self._zone_id = zone_id
        self._page = ZonePage(self._configured if zone_id else self._first, self._named)

    async def of(self, fqdn: str) -> Sequence[Zone]:
        """The zones with the longest name that `fqdn` lies in: one, or several of one name.

        Raises DnsProviderError: ``zone_not_found`` when there is none.
        """
        found = await self._page.of(fqdn)
        if not found:
            raise zone_not_found(fqdn, candidates(fqdn), self._way_out())
        return found

    async def first(self) -> Sequence[Zone]:
        """The first page of zones, asked for now."""
        return (await self._page.look()).zones

    async def _first(self) -> Page:
        answer = await self._session.call(
            lambda sdk: sdk.zones.with_raw_response.list(per_page=PER_PAGE)
        )
        return Page(tuple(_zones(answer)), answer.pages <= 1)

    async def _configured(self) -> Page:
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
            return Page((Zone(id=self._zone_id, name=self._allowed.names[0]),), True)
        return Page(tuple(_zones(answer)), True)

    async def _named(self, name: str) -> list[Zone]:
        answer = await self._session.call(
            lambda sdk: sdk.zones.with_raw_response.list(name=name, per_page=PER_PAGE)
        )
        return [zone for zone in _zones(answer) if zone.text == name]

    def _way_out(self) -> str:
        if not self._zone_id:
            return _RIGHT_TO_READ
        shown = ", ".join(zone.text for zone in self._page.seen)
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
