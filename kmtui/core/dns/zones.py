"""Which zone of an account a name lies in: by labels, the longest, and told apart by delegation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import dns.name

from kmtui.core.dns.names import ancestors, longest_match, parse_name, parse_names, text_of
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.settings import read
from kmtui.core.errors import DnsProviderError

PublicNameservers: TypeAlias = Callable[[dns.name.Name], Awaitable[frozenset[str]]]
"""The names of the servers a zone is delegated to; empty when that cannot be found out."""


def candidates(fqdn: str) -> list[str]:
    """The names a zone of `fqdn` may have, longest first: the name itself may be a zone.

    A zone with one label only is a registry's, never an account's.
    """
    return [text_of(name) for name in ancestors(parse_name(fqdn)) if len(name) > 2]


def relative(fqdn: str, zone: Zone, *, apex: str = "") -> str:
    """The name within its zone, as interfaces want it; `apex` stands for the zone's own name."""
    name = parse_name(fqdn)
    if name == zone.name:
        return apex
    return name.relativize(zone.name).to_text()


class AllowedZones:
    """The common setting `zones`: names outside them are refused before any call."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Raises InvalidInput naming the field."""
        self.names = read("zones", parse_names, settings.get("zones", ""))

    def require(self, fqdn: str) -> None:
        """Raises DnsProviderError of kind ``zone_not_found`` for a name this account is not for."""
        if self.names and longest_match(parse_name(fqdn), self.names) is None:
            raise DnsProviderError(
                f"{fqdn} is in none of the zones of this account "
                f"({', '.join(map(text_of, self.names))})",
                kind="zone_not_found",
                hint="add the zone to `zones`, or map the name to another DNS account",
            )


async def choose(
    fqdn: str, zones: Iterable[Zone], public: PublicNameservers, *, field: str = "zone_id"
) -> Zone:
    """The zone of `fqdn` among those of an account: the longest match by labels.

    Of several with one name, the one whose name servers it is delegated to. Raises
    DnsProviderError: ``zone_not_found`` with the candidates, ``zone_ambiguous`` with the ids and
    the setting (`field`) that takes one of them.
    """
    known = list(zones)
    name = longest_match(parse_name(fqdn), [zone.name for zone in known])
    if name is None:
        raise zone_not_found(fqdn, candidates(fqdn))
    same = [zone for zone in known if zone.name == name]
    if len(same) == 1:
        return same[0]
    delegated = await public(name)
    fitting = [zone for zone in same if delegated & frozenset(zone.nameservers)]
    if len(fitting) == 1:
        return fitting[0]
    raise zone_ambiguous(same, field)


def zone_not_found(fqdn: str, tried: Sequence[str], hint: str = "") -> DnsProviderError:
    """No zone of the account holds the name."""
    return DnsProviderError(
        f"{fqdn} is in no zone of this account (tried {', '.join(tried)})",
        kind="zone_not_found",
        hint=hint or "check that the account holds the zone and may list it",
    )


def zone_ambiguous(zones: Sequence[Zone], field: str = "zone_id") -> DnsProviderError:
    """Several zones of one name, and the delegation does not tell which is meant."""
    return DnsProviderError(
        f"the account has {len(zones)} zones named {zones[0].text}: "
        + ", ".join(zone.id for zone in zones),
        kind="zone_ambiguous",
        hint=f"set `{field}` to the one that is delegated",
    )
