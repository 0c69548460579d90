"""The zone of a name for accounts without a vendor to ask: as configured, else as delegated."""

from __future__ import annotations

from collections.abc import Mapping

from kmtui.core.dns.names import longest_match, parse_name, text_of
from kmtui.core.dns.provider import Surroundings, Zone
from kmtui.core.dns.zones import AllowedZones, candidates, zone_not_found


class PublicZones:
    """The zones of the setting `zones`; without it, those of the public DNS.

    They have no name servers on record: nobody but the public DNS says which they are.
    """

    def __init__(self, settings: Mapping[str, str], surroundings: Surroundings) -> None:
        """Raises InvalidInput naming the field."""
        self._allowed = AllowedZones(settings)
        self._public_nameservers = surroundings.public_nameservers

    async def find(self, fqdn: str) -> Zone:
        """The longest fitting zone. Raises DnsProviderError of kind ``zone_not_found``."""
        self._allowed.require(fqdn)
        name = longest_match(parse_name(fqdn), self._allowed.names)
        if name is not None:
            return Zone(id=text_of(name), name=name)
        tried = candidates(fqdn)
        for candidate in map(parse_name, tried):
            if await self._public_nameservers(candidate):
                return Zone(id=text_of(candidate), name=candidate)
        hint = "none of these is delegated as seen from here; set `zones`"
        raise zone_not_found(fqdn, tried, hint)
