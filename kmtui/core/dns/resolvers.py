"""The recursive resolvers of an account or of this host: they find name servers, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from kmtui.core.dns.endpoint import Endpoint, resolve_all
from kmtui.core.dns.names import text_of
from kmtui.core.dns.query import MAX_RECORDS, NoReply, answer_of, ask, rcode_text
from kmtui.core.errors import DnsLookupFailed

USABLE = frozenset({dns.rcode.NOERROR, dns.rcode.NXDOMAIN})


class Resolvers:
    """Recursive resolvers, asked in order until one gives a usable reply; that one is first then.

    They remember that a name does not exist for as long as the zone's SOA says, so a challenge
    name MUST NOT be asked here before its record exists.
    """

    def __init__(self, endpoints: Iterable[Endpoint], *, patience: float = 4.0) -> None:
        self._endpoints = tuple(endpoints)
        self._patience = patience
        self._last_good: Endpoint | None = None

    @classmethod
    def parse(cls, setting: str, *, patience: float = 4.0) -> Resolvers:
        """Those of the setting ``host[:port],…``; the host's own when it is empty.

        Raises ValueError, and DnsLookupFailed when the host has none.
        """
        endpoints = Endpoint.parse_list(setting)
        return (
            cls(endpoints, patience=patience) if endpoints else cls.of_this_host(patience=patience)
        )

    @classmethod
    def of_this_host(cls, *, patience: float = 4.0) -> Resolvers:
        """Those the operating system is configured with. Raises DnsLookupFailed."""
        try:
            system = dns.resolver.Resolver(configure=True)
        except (dns.exception.DNSException, OSError) as error:
            raise DnsLookupFailed(
                "this host has no DNS resolver configured",
                hint="set `resolvers` on the DNS account (host[:port],…)",
            ) from error
        endpoints = (
            Endpoint(str(server), system.nameserver_ports.get(str(server), system.port))
            for server in system.nameservers
        )
        return cls(endpoints, patience=patience)

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """The resolvers' numeric endpoints."""
        return await resolve_all(self._endpoints)

    async def ask(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        """The first reply that says NOERROR or NXDOMAIN. Raises DnsLookupFailed with reasons."""
        reasons = []
        known = await self.endpoints()
        for endpoint in sorted(known, key=lambda endpoint: endpoint != self._last_good):
            try:
                reply = await ask(endpoint, name, rdtype, recurse=True, patience=self._patience)
            except NoReply as error:
                reasons.append(f"{endpoint}: {error.reason}")
                continue
            if reply.rcode() in USABLE:
                self._last_good = endpoint
                return reply
            reasons.append(f"{endpoint}: {rcode_text(reply)}")
        raise DnsLookupFailed(
            f"no resolver could answer {dns.rdatatype.to_text(rdtype)} "
            f"{text_of(name)} ({'; '.join(reasons) or 'none configured'})",
            hint="check `resolvers` on the DNS account",
        )

    async def addresses(self, host: dns.name.Name) -> tuple[str, ...]:
        """IPv4 then IPv6 addresses of a host; empty when it has none. Raises DnsLookupFailed."""
        replies = await asyncio.gather(
            self.ask(host, dns.rdatatype.A),
            self.ask(host, dns.rdatatype.AAAA),
            return_exceptions=True,
        )
        found: list[str] = []
        failures: list[DnsLookupFailed] = []
        for reply in replies:
            if isinstance(reply, DnsLookupFailed):
                failures.append(reply)
            elif isinstance(reply, BaseException):
                raise reply
            else:
                found.extend(_addresses_in(reply))
        if not found and failures:
            raise failures[0]
        return tuple(dict.fromkeys(found))

    async def nameservers(self, zone: dns.name.Name) -> tuple[dns.name.Name, ...]:
        """The NS names of a zone, sorted. Raises DnsLookupFailed."""
        reply = await self.ask(zone, dns.rdatatype.NS)
        rrset = answer_of(reply, zone, dns.rdatatype.NS)
        if rrset is None:
            raise DnsLookupFailed(f"{text_of(zone)} has no name servers ({rcode_text(reply)})")
        return tuple(sorted(rdata.target for rdata in list(rrset)[:MAX_RECORDS]))


def _addresses_in(reply: dns.message.Message) -> list[str]:
    """Every address of the answer: with an alias in between, the owner is another name."""
    return [
        rdata.address
        for rrset in reply.answer
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        for rdata in list(rrset)[:MAX_RECORDS]
    ]
