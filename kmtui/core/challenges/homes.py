"""The homes of TXT records: effective name, zone, and the DNS account that holds the zone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from kmtui.core.challenges.delegation import AUTO, Delegation, EffectiveName
from kmtui.core.dns import registry
from kmtui.core.dns.patience import tell
from kmtui.core.dns.provider import Zone
from kmtui.core.dns_accounts import DnsAccounts, OpenedDns
from kmtui.core.errors import DnsProviderError, KmtuiError
from kmtui.model import DnsAccount

NOT_HERE = frozenset({"zone_not_found", "zone_not_delegated_here"})
"""Kinds of errors that say: another account may hold the zone."""
LONGEST_LOOK = 20.0
"""Seconds in which another account has to say whether it holds a zone."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the TXT record of one challenge name goes."""

    name: EffectiveName
    zone: Zone
    dns: OpenedDns
    """The account that holds the zone: the chosen one where it does."""


class Homes:
    """Finds homes among the DNS accounts that an operator set up.

    A mapping chooses an account for the names of certificates. An alias, or a zone handed down, may
    lead out of that account's zones; then the account that holds the zone is the one to use.
    """

    def __init__(self, dns: DnsAccounts) -> None:
        self._dns = dns

    async def of(self, fqdn: str, chosen: DnsAccount, alias: str | None = None) -> Home:
        """The home of the record for the challenge name `fqdn`; `alias` as for `effective_name`.

        Raises DnsProviderError: as Delegation.effective_name and OpenedDns.find_zone, and
        ``zone_ambiguous`` when the chosen account does not hold the zone and several others do.
        """
        opened = await self._dns.open(chosen)
        name = await Delegation(opened.authorities).effective_name(fqdn, alias or AUTO)
        try:
            return Home(name, await opened.find_zone(name.text), opened)
        except DnsProviderError as error:
            if error.kind not in NOT_HERE:
                raise
            found = await self._elsewhere(name, chosen)
            if not found:
                raise
        if len(found) > 1:
            raise _ambiguous(name, found)
        return found[0]

    async def _elsewhere(self, name: EffectiveName, chosen: DnsAccount) -> list[Home]:
        """The homes that the other accounts offer, in the deepest zone among theirs."""
        others = [each for each in await self._dns.recent.all() if each.id != chosen.id]
        offers = await asyncio.gather(*(self._offer(name, account) for account in others))
        found = [offer for offer in offers if offer is not None]
        deepest = max((len(home.zone.name) for home in found), default=0)
        return [home for home in found if len(home.zone.name) == deepest]

    async def _offer(self, name: EffectiveName, account: DnsAccount) -> Home | None:
        """The home that one account offers; one that cannot say offers none, and that is told."""
        try:
            if not _knows_its_zones(account):
                return None
            async with asyncio.timeout(LONGEST_LOOK):
                opened = await self._dns.open(account)
                return Home(name, await opened.find_zone(name.text), opened)
        except TimeoutError:
            why = f"no answer in {LONGEST_LOOK:.0f} s"
        except DnsProviderError as error:
            if error.kind in NOT_HERE:
                return None
            why = error.message
        except KmtuiError as error:
            why = error.message
        await tell(f"whether {account.name} holds the zone of {name.text} is not known: {why}")
        return None


def _knows_its_zones(account: DnsAccount) -> bool:
    """Whether an account can tell its zones from others'; else any delegated zone would fit."""
    return bool(account.zones) or registry.provider_class(account.provider).caps.knows_its_zones


def _ambiguous(name: EffectiveName, found: Sequence[Home]) -> DnsProviderError:
    accounts = ", ".join(sorted(home.dns.account.name for home in found))
    return DnsProviderError(
        f"{name.text} is in a zone of several DNS accounts: {accounts}",
        kind="zone_ambiguous",
        hint="map the certificate's name to one of them, or limit the others by their `zones`",
    )
