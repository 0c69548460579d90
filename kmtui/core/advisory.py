"""The look outside before an order: can the names be proved, and may this CA issue for them.

It is advice: a CA sees the DNS from elsewhere. Only what no CA could get past is an obstacle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from kmtui.core.ca import CertificateAuthorities
from kmtui.core.challenges import caa
from kmtui.core.challenges.homes import Homes
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.patience import patience
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.dns_accounts import DnsAccounts
from kmtui.core.errors import DnsLookupFailed, DnsProviderError, KmtuiError
from kmtui.core.planning import Proof, is_address
from kmtui.model import Account, CheckLine

SECONDS = 20.0
"""The longest a look takes; what is not known by then is said so."""
AT_ONCE = 10
"""Names looked at together."""
OBSTACLES = frozenset(
    {"conflict", "zone_ambiguous", "zone_not_delegated_here", "zone_not_found", "invalid_request"}
)
"""Kinds of DNS provider errors that will be there when the order is placed, too."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """The CA as CAA records know it, and the account that will ask."""

    identities: tuple[str, ...]
    """Empty: the CA publishes none, so its CAA records cannot be told from others'."""
    account_url: str | None


class Advisory:
    """Looks at the names of a request before it is sent."""

    def __init__(self, cas: CertificateAuthorities, dns: DnsAccounts) -> None:
        self._cas = cas
        self._homes = Homes(dns)

    async def look(self, proofs: Mapping[str, Proof], account: Account) -> list[CheckLine]:
        """What stands in the way (False), is worth knowing (None) or is fine (True), by name."""
        at_once = asyncio.Semaphore(AT_ONCE)
        issuer = await self._issuer(account)

        async def one(proof: Proof) -> list[CheckLine]:
            async with at_once:
                try:
                    async with asyncio.timeout(SECONDS):
                        with patience(SECONDS):
                            return await self._look(proof, issuer)
                except TimeoutError:
                    return [CheckLine(None, f"{proof.name}: the DNS did not answer in time")]

        found = await asyncio.gather(*map(one, proofs.values()))
        return [line for lines in found for line in lines]

    async def _issuer(self, account: Account) -> Issuer:
        try:
            directory = await (await self._cas.client(account.ca)).directory()
        except KmtuiError:
            return Issuer((), account.account_url)
        return Issuer(directory.meta.caa_identities, account.account_url)

    async def _look(self, proof: Proof, issuer: Issuer) -> list[CheckLine]:
        if is_address(proof.name):
            return []  # No DNS stands between the CA and an address.
        way = self._dns01 if proof.dns_account else self._http01
        return [*await way(proof), *await self._caa(proof, issuer)]

    async def _dns01(self, proof: Proof) -> list[CheckLine]:
        """The zone that will be changed, and whether the CA will look there."""
        assert proof.dns_account is not None
        name = f"_acme-challenge.{proof.name.removeprefix('*.')}"
        try:
            home = await self._homes.of(name, proof.dns_account, proof.alias)
        except DnsProviderError as error:
            ok = False if error.kind in OBSTACLES else None
            return [CheckLine(ok, f"{proof.name}: {_said(error)}")]
        except KmtuiError as error:
            return [CheckLine(None, f"{proof.name}: {_said(error)}")]
        used, note = home.dns.account.name, home.name.note
        by = "" if used == proof.via else f" of {used}"
        through = f" by an alias to {home.name.text}" if len(home.name.chain) > 1 else ""
        lines = [CheckLine(True, f"{proof.name}: TXT in zone {home.zone.text}{by}{through}")]
        return [*lines, *([CheckLine(None, note)] if note else [])]

    async def _http01(self, proof: Proof) -> list[CheckLine]:
        """Whether the name leads anywhere."""
        try:
            addresses = await self._resolvers(proof).addresses(parse_name(proof.name))
        except (DnsLookupFailed, ValueError):
            return [CheckLine(None, f"{proof.name}: its address cannot be looked up from here")]
        if not addresses:
            hint = "add an A or AAAA record, or prove the name by dns-01"
            return [CheckLine(None, f"{proof.name} has no address here: {hint}")]
        return [CheckLine(True, f"{proof.name}: leads to {', '.join(addresses[:4])}")]

    async def _caa(self, proof: Proof, issuer: Issuer) -> list[CheckLine]:
        try:
            records = await caa.relevant_records(proof.name, self._resolvers(proof))
        except DnsLookupFailed as error:
            # RFC 8659 section 3: a CA that gets no answer must not issue either.
            return [CheckLine(None, f"{proof.name}: CAA records cannot be read: {error.message}")]
        if not records.properties:
            return []
        if not issuer.identities:
            allowed = sorted({each.value for each in records.properties if "issue" in each.tag})
            said = f"{proof.name}: CAA at {records.owner} allows {', '.join(allowed)}"
            return [CheckLine(None, said)]
        why = caa.refusal(
            records,
            issuer.identities,
            wildcard=proof.name.startswith("*."),
            account_url=issuer.account_url,
            method=proof.type,
        )
        if not why:
            return [CheckLine(True, f"{proof.name}: CAA at {records.owner} allows this CA")]
        hint = "add this CA to the CAA records, or choose another account"
        return [CheckLine(False, f"{proof.name}: {why}; {hint}")]

    def _resolvers(self, proof: Proof) -> Resolvers:
        """Those of the DNS account where the name has one, else of this host."""
        setting = proof.dns_account.settings.get("resolvers", "") if proof.dns_account else ""
        return Resolvers.parse(setting)


def _said(error: KmtuiError) -> str:
    """What happened and what to do, in one line."""
    return f"{error.message}; {error.hint}" if error.hint else error.message
