"""dns-01 by hand: kmtui says which record to make, and goes on when it can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

from kmtui.core.dns.endpoint import Endpoint
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
from kmtui.core.dns.public_zones import PublicZones
from kmtui.core.dns.trial import challenge_name
from kmtui.core.errors import KmtuiError
from kmtui.model import CheckLine, Field


class Manual:
    """A person with access to the zone."""

    name: ClassVar[str] = "manual"
    title: ClassVar[str] = "By hand"
    fields: ClassVar[tuple[Field, ...]] = ()
    caps: ClassVar[Caps] = Caps(knows_its_zones=False, by_hand=True, propagation_timeout=3600)
    least_right: ClassVar[str] = "none: kmtui changes nothing, it looks at the public DNS"
    example: ClassVar[str] = "kmtui dns add hand --provider manual"
    notes: ClassVar[tuple[str, ...]] = (
        "The record to make is in the request's log and in the pane of its challenge. Add it "
        "beside others there: `example.org` and `*.example.org` need two values at one name.",
        "kmtui asks the zone's name servers until all show it, an hour by default "
        "(`propagation_timeout`). A command waits five minutes, so give it "
        "`--timeout 3600`, or let `kmtui resume` go on later: the value stays the same for as long "
        "as the order lives.",
        "Nothing can be renewed unattended this way. To answer by hand once and for all, make "
        "`_acme-challenge` of the name a CNAME into a zone of another account.",
    )
    docs: ClassVar[str] = "https://www.rfc-editor.org/rfc/rfc8555#section-8.4"

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Secrets,
        surroundings: Surroundings = NOTHING_AROUND,
    ) -> None:
        """See DnsProvider."""
        self._zones = PublicZones(settings, surroundings)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """See DnsProvider.endpoints."""
        return ()

    async def check(self, names: Sequence[str] = ()) -> Report:
        """See DnsProvider.check. Only the zones can be looked for."""
        lines = [CheckLine(True, "records are made by hand: there is no access to test")]
        for name in names:
            try:
                zone = await self.find_zone(challenge_name(name))
            except KmtuiError as error:
                lines += failure_lines(error)
            else:
                lines.append(CheckLine(True, f"{name} is in zone {zone.text}"))
        return Report(tuple(lines))

    async def find_zone(self, fqdn: str) -> Zone:
        """See DnsProvider.find_zone."""
        return await self._zones.find(fqdn)

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        """See DnsProvider.add. Says which records to make; who waits sees them arrive."""
        handles = [TxtHandle.of(zone, fqdn, value) for value in sorted(values)]
        for handle in handles:
            await tell(f"make this record: {handle.fqdn} {ttl} TXT {handle.value}")
        return handles

    async def wait_applied(self, handles: Sequence[TxtHandle], deadline: float) -> None:
        """See DnsProvider.wait_applied. The name servers tell."""

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        """See DnsProvider.remove. Says which records are of no use any more."""
        for handle in handles:
            await tell(f"this record may be removed now: {handle.fqdn} TXT {handle.value}")

    async def aclose(self) -> None:
        """See DnsProvider.aclose. Nothing is kept open."""
