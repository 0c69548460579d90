"""A name server for tests that can be late, lame, silent or too talkative, on command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from kmtui.core.dns.endpoint import Endpoint


class StubNameServer:
    """Serves `zones` over UDP and TCP at one address; attributes change how it behaves at once."""

    def __init__(self, address: str) -> None:
        self.endpoint = Endpoint(address, 0)
        self.zones: dict[dns.name.Name, list[dns.rrset.RRset]] = {}
        self.silent = False
        self.lame = False
        """Answers without the AA bit."""
        self.truncate = False
        """Answers over UDP with the TC bit and nothing else."""
        self.rcode: dns.rcode.Rcode | None = None
        self.asked: list[tuple[str, str, str]] = []
        """(transport, name, type) of each question."""
        self.recursed = 0
        """Questions that wanted recursion."""

    def serve(self, zone: str, *records: str) -> None:
        """Serve a zone; records are zone file lines with absolute or relative names and no TTL."""
        origin = dns.name.from_text(zone)
        rrsets: dict[tuple[dns.name.Name, str], dns.rrset.RRset] = {}
        for line in (f"{zone}. SOA ns. host. 1 60 60 60 60", *records):
            owner, rdtype, rdata = line.split(" ", 2)
            name = dns.name.from_text(owner, origin)
            value = dns.rdata.from_text("IN", rdtype, rdata, origin=origin, relativize=False)
            rrsets.setdefault((name, rdtype), dns.rrset.from_rdata(name, 60, value)).add(value)
        self.zones[origin] = list(rrsets.values())

    def add_txt(self, name: str, *values: str) -> None:
        """Add TXT values to the closest zone; a value may be several quoted strings."""
        owner = dns.name.from_text(name)
        zone = self._zone_of(owner)
        assert zone is not None
        texts = [value if value.startswith('"') else f'"{value}"' for value in values]
        self.zones[zone].append(dns.rrset.from_text(owner, 60, "IN", "TXT", *texts))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StubNameServer]:
        """Listen on a free port while the block runs."""
        loop = asyncio.get_running_loop()
        tcp = await asyncio.start_server(self._serve_tcp, self.endpoint.host, 0)
        self.endpoint = Endpoint(self.endpoint.host, tcp.sockets[0].getsockname()[1])
        udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), (self.endpoint.host, self.endpoint.port)
        )
        try:
            yield self
        finally:
            udp.close()
            tcp.close()

    def reply(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((transport, question.name.to_text(omit_final_dot=True), rdtype))
        self.recursed += bool(query.flags & dns.flags.RD)
        if self.silent:
            return None
        reply = dns.message.make_response(query)
        if self.truncate and transport == "udp":
            reply.flags |= dns.flags.TC
        elif self.rcode is not None:
            reply.set_rcode(self.rcode)
        else:
            self._fill(reply, question.name, question.rdtype)
        return reply.to_wire(max_size=65535)

    def _fill(
        self, reply: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        zone = self._zone_of(name)
        if zone is None:
            reply.set_rcode(dns.rcode.REFUSED)
            return
        rrsets = self.zones[zone]
        handed_down = [r for r in rrsets if r.rdtype == dns.rdatatype.NS and r.name != zone]
        for rrset in handed_down:
            if name.is_subdomain(rrset.name):
                reply.authority.append(rrset)
                return
        if not self.lame:
            reply.flags |= dns.flags.AA
        wildcard = dns.name.Name((b"*", *name.labels[1:]))
        at_name = [r for r in rrsets if r.name == name]
        if not at_name:
            at_name = [_renamed(r, name) for r in rrsets if r.name == wildcard]
        reply.answer += [r for r in at_name if r.rdtype in (rdtype, dns.rdatatype.CNAME)]
        if not reply.answer:
            reply.authority += [r for r in rrsets if r.rdtype == dns.rdatatype.SOA]
        if not any(r.name.is_subdomain(name) for r in (*rrsets, *at_name)):
            reply.set_rcode(dns.rcode.NXDOMAIN)

    def _zone_of(self, name: dns.name.Name) -> dns.name.Name | None:
        return max((z for z in self.zones if name.is_subdomain(z)), key=len, default=None)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                size = int.from_bytes(await reader.readexactly(2))
                reply = self.reply(await reader.readexactly(size), "tcp")
                if reply is not None:
                    writer.write(len(reply).to_bytes(2) + reply)
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: StubNameServer) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        reply = self._server.reply(data, "udp")
        if reply is not None:
            self._transport.sendto(reply, addr)


@asynccontextmanager
async def all_running(servers: Iterable[StubNameServer]) -> AsyncIterator[None]:
    """Run several servers together."""
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.running())
        yield


def _renamed(rrset: dns.rrset.RRset, name: dns.name.Name) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset))
