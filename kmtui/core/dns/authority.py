"""The authoritative name servers of a name: the zone it lies in and who serves that zone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from kmtui.core.dns.cuts import NameServer, RememberedCuts, ZoneCut
from kmtui.core.dns.endpoint import DNS_PORT, Endpoint, resolve_all
from kmtui.core.dns.names import ancestors, parse_name, text_of
from kmtui.core.dns.provider import Zone
from kmtui.core.dns.query import MAX_RECORDS, NoReply, answer_of, ask, is_authoritative, running
from kmtui.core.dns.resolvers import Resolvers
from kmtui.core.errors import DnsLookupFailed, DnsProviderError

STAGGER = 0.05
"""Seconds before the next name server is asked as well."""


async def require_delegated(zone: Zone, fqdn: str, authorities: Authorities) -> None:
    """Make sure that the zone an account would change for `fqdn` is the one the Internet uses.

    One name server in common is enough: hidden and additional servers are usual; so is one address
    in common: vendors let zones call the same servers by other names. Raises DnsProviderError of
    kind ``zone_not_delegated_here``, and DnsLookupFailed when nothing can be said from here.
    """
    cut = await authorities.zone_cut(parse_name(fqdn))
    known = frozenset(zone.nameservers)
    if zone.name == cut.zone:
        if not known or known & cut.server_names:
            return
        if await authorities.hosts(known) & {at.endpoint.host for at in cut.servers if at.endpoint}:
            return
    here = f"{zone.text} on {', '.join(sorted(known)) or 'unknown servers'}"
    there = f"{text_of(cut.zone)} on {', '.join(sorted(cut.server_names))}"
    raise DnsProviderError(
        f"the zone in this account is not the one the Internet uses: {here}; delegated: {there}",
        kind="zone_not_delegated_here",
        hint="a CA would never see the record; use the account whose name servers are delegated",
    )


class Authorities:
    """Finds and asks authoritative servers.

    A server whose address is also one of the resolvers' or of `endpoints` is asked on that
    endpoint's port instead of 53: name servers on other ports then work throughout.
    """

    def __init__(
        self,
        resolvers: Resolvers,
        *,
        endpoints: Iterable[Endpoint] = (),
        patience: float = 4.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience` is in seconds for one question; `clock` is monotonic."""
        self.resolvers = resolvers
        self._cuts = RememberedCuts(clock)
        self.endpoints = tuple(endpoints)
        """Name servers that the account itself names."""
        self._patience = patience

    async def zone_cut(self, name: dns.name.Name) -> ZoneCut:
        """The zone of `name` and its servers. Raises DnsLookupFailed.

        Resolvers are asked about the names above only (see Resolvers); whether `name` itself is
        delegated is asked of the authoritative servers of the zone above.
        """
        if home := self._cuts.home_of(name):
            return home
        async with self._cuts.asking(name):
            above = self._cuts.above(name)
            cut = await self._cut_below(above, name, known=True) if above else None
            if cut is None:
                zone = await self._zone_above(name)
                servers = await self._servers(await self.resolvers.nameservers(zone))
                self._cuts.remember(ZoneCut(zone, servers))
                cut = await self._cut_below(ZoneCut(zone, servers), name, known=False)
        assert cut is not None
        self._cuts.remember_home(name, cut)
        return cut

    async def _cut_below(
        self, above: ZoneCut, name: dns.name.Name, *, known: bool
    ) -> ZoneCut | None:
        """`above`, or the cut at `name` when it is a zone of its own.

        None when `above` was only remembered (`known`) and there is another zone between the two.
        """
        if name == above.zone:
            return above
        reply = await self._first_reply(above.servers, name, dns.rdatatype.NS)
        if reply is None:
            return above
        delegated = answer_of(reply, name, dns.rdatatype.NS)
        if delegated is None and not is_authoritative(reply):
            delegated = _referral(reply, name)
        if delegated is None:
            return None if known and _zone_named(reply) != above.zone else above
        names = tuple(sorted(rdata.target for rdata in list(delegated)[:MAX_RECORDS]))
        return ZoneCut(name, await self._servers(names))

    async def ask(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        """The first authoritative reply about `name`; a resolver's when no such server replies.

        The second way is for hosts that may not send to port 53 outside; there a name asked too
        early stays unknown for a while. Raises DnsLookupFailed.
        """
        above = self._cuts.above(name)
        if above is not None:
            # One question to a zone that is known tells the answer and whether it is the right one.
            reply = await self._first_reply(above.servers, name, rdtype, authoritative=True)
            if reply is not None and _zone_named(reply) == above.zone:
                self._cuts.remember_home(name, above)
                return reply
        cut = await self.zone_cut(name)
        reply = await self._first_reply(cut.servers, name, rdtype, authoritative=True)
        return reply or await self.resolvers.ask(name, rdtype)

    async def _zone_above(self, name: dns.name.Name) -> dns.name.Name:
        """The closest zone at or above the parent of `name`; at `name` when nothing is above."""
        last: DnsLookupFailed | None = None
        candidates = [*ancestors(name.parent()), name]
        for candidate in candidates:
            try:
                reply = await self.resolvers.ask(candidate, dns.rdatatype.SOA)
            except DnsLookupFailed as error:
                last = error
                continue
            if any(rrset.rdtype == dns.rdatatype.CNAME for rrset in reply.answer):
                continue  # The SOA shown belongs to the zone of the alias's target.
            for rrset in (*reply.answer, *reply.authority):
                if rrset.rdtype != dns.rdatatype.SOA or rrset.name == dns.name.root:
                    continue
                if candidate.is_subdomain(rrset.name):
                    return rrset.name
        raise DnsLookupFailed(
            f"no zone was found for {text_of(name)}" + (f": {last.message}" if last else ""),
            hint=last.hint if last else "is the domain delegated?",
        )

    async def _servers(self, names: Iterable[dns.name.Name]) -> tuple[NameServer, ...]:
        """Every address of every name server, on the port it is known to listen on."""
        names = tuple(names)
        ports = await self._known_ports()
        found = await asyncio.gather(*(self._addresses(name) for name in names))
        return tuple(
            server
            for name, addresses in zip(names, found, strict=True)
            for server in _with_ports(name, addresses, ports)
        )

    async def hosts(self, names: Iterable[str]) -> frozenset[str]:
        """Every address of these host names that could be found out."""
        found = await asyncio.gather(*(self._addresses(parse_name(name)) for name in names))
        return frozenset(address for addresses in found for address in addresses)

    async def _addresses(self, host: dns.name.Name) -> tuple[str, ...]:
        try:
            return await self.resolvers.addresses(host)
        except DnsLookupFailed:
            return ()  # Shown as a server without an address.

    async def _known_ports(self) -> dict[str, int]:
        known = (*await resolve_all(self.endpoints), *await self.resolvers.endpoints())
        # The first wins: an endpoint given on purpose before a resolver.
        return {endpoint.host: endpoint.port for endpoint in reversed(known)}

    async def _first_reply(
        self,
        servers: Iterable[NameServer],
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        *,
        authoritative: bool = False,
    ) -> dns.message.Message | None:
        """The first NOERROR or NXDOMAIN reply of any server; None without.

        Each is asked a moment after the one before: mostly the first has replied by then.
        """

        async def ask_after(pause: float, endpoint: Endpoint) -> dns.message.Message:
            if pause:
                await asyncio.sleep(pause)
            return await ask(endpoint, name, rdtype, patience=self._patience)

        endpoints = [server.endpoint for server in servers if server.endpoint]
        questions = (ask_after(STAGGER * turn, each) for turn, each in enumerate(endpoints))
        async with running(questions) as tasks:
            for finished in asyncio.as_completed(tasks):
                try:
                    reply = await finished
                except NoReply:
                    continue
                if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    continue
                if is_authoritative(reply) or not authoritative:
                    return reply
        return None


def _referral(reply: dns.message.Message, name: dns.name.Name) -> dns.rrset.RRset | None:
    """The NS set of a reply that hands `name` down to other servers (RFC 1034 section 4.3.2)."""
    for rrset in reply.authority:
        if rrset.rdtype == dns.rdatatype.NS and rrset.name == name:
            return rrset
    return None


def _zone_named(reply: dns.message.Message) -> dns.name.Name | None:
    """The zone whose SOA goes with a denial (RFC 2308 section 2): there the name would be."""
    for rrset in reply.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return rrset.name
    return None


def _with_ports(
    name: dns.name.Name, addresses: tuple[str, ...], ports: dict[str, int]
) -> list[NameServer]:
    text = text_of(name)
    if not addresses:
        return [NameServer(text, None)]
    return [NameServer(text, Endpoint(at, ports.get(at, DNS_PORT))) for at in addresses]
