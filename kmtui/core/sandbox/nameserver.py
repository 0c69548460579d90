"""A small authoritative name server on loopback: a primary and a secondary that lags behind.

It serves its zones over UDP and TCP, takes dynamic updates signed with one TSIG key on the
primary (RFC 2136, RFC 8945), and refuses everything else.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update

from kmtui.core.sandbox import tsig
from kmtui.core.sandbox.streams import StreamServer, loopback_socket
from kmtui.core.sandbox.zone import Zone

PRIMARY, SECONDARY = "127.0.0.1", "127.0.0.2"
MAX_UDP = 1232
"""Octets that pass everywhere unfragmented; longer answers are truncated and asked over TCP."""
MAX_ALIASES = 8
TCP_IDLE = 10.0
BIND_TRIES = 20


@dataclass
class Endpoint:
    """One address the server answers on, `lag` seconds behind the zone's content."""

    host: str
    lag: float

    @property
    def primary(self) -> bool:
        return self.host == PRIMARY


class NameServer:
    """The name servers of `zones`; changes reach the secondary after `lag` seconds."""

    def __init__(
        self,
        zones: Sequence[str],
        key: dns.tsig.Key,
        *,
        lag: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.port = 0
        self.hosts: tuple[str, ...] = ()
        self._origins = [dns.name.from_text(zone) for zone in zones]
        self._zones: list[Zone] = []
        self._key = key
        self._lag = lag
        self._endpoints: list[Endpoint] = []
        self._monotonic = monotonic
        self._transports: list[asyncio.DatagramTransport] = []
        self._servers: list[StreamServer] = []

    async def start(self, port: int = 0) -> None:
        """Listen on `port` (0: a free one) of every address; OSError when it is taken."""
        bound = _bind(port)
        self.hosts = tuple(host for host, _, _ in bound)
        self.port = bound[0][1].getsockname()[1]
        self._zones = [Zone(origin, self.hosts, keep=self._lag) for origin in self._origins]
        loop = asyncio.get_running_loop()
        for host, udp, tcp in bound:
            endpoint = Endpoint(host, 0.0 if host == PRIMARY else self._lag)
            self._endpoints.append(endpoint)
            transport, _ = await loop.create_datagram_endpoint(
                partial(_Datagrams, self, endpoint), sock=udp
            )
            self._transports.append(transport)
            self._servers.append(StreamServer(partial(self._stream, endpoint)))
            await self._servers[-1].start(tcp)

    @property
    def lag(self) -> float:
        """How far the secondary stays behind, in seconds; may be set at any time."""
        return self._lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        self._lag = seconds
        for zone in self._zones:
            zone.keep = seconds
        for endpoint in self._endpoints:
            endpoint.lag = 0.0 if endpoint.primary else seconds

    async def close(self) -> None:
        """Stop listening and end every open connection."""
        for transport in self._transports:
            transport.close()
        for server in self._servers:
            await server.close()

    def respond(self, wire: bytes, endpoint: Endpoint, limit: int | None = None) -> bytes | None:
        """The answer to one message, cut to `limit` octets; None for what deserves none."""
        if len(wire) < 12 or wire[2] & 0x80:  # no header, or itself a response
            return None
        try:
            query = tsig.read(wire, self._key)
        except tsig.UnverifiedMessage as refused:
            return refused.answer
        except (dns.exception.DNSException, ValueError):
            flags = (0x80 | wire[2] & 0x79).to_bytes(1, "big") + bytes([dns.rcode.FORMERR])
            return wire[:2] + flags + bytes(8)
        response = dns.message.make_response(query, our_payload=MAX_UDP)
        if isinstance(query, dns.update.UpdateMessage):
            response.set_rcode(self._update(query, endpoint))
        elif query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
        else:
            self._answer(query, response, endpoint)
        if limit is not None:
            limit = min(limit, max(512, query.payload)) if query.edns >= 0 else 512
        try:
            return response.to_wire(max_size=limit or 65535)
        except dns.exception.TooBig:
            cut = dns.message.make_response(query, our_payload=MAX_UDP)
            cut.flags |= dns.flags.TC | dns.flags.AA
            return cut.to_wire()

    def _answer(
        self, query: dns.message.Message, response: dns.message.Message, endpoint: Endpoint
    ) -> None:
        name, rdtype = query.question[0].name, query.question[0].rdtype
        if self._zone_of(name) is None:
            response.set_rcode(dns.rcode.REFUSED)
            return
        if dns.rdatatype.is_metatype(rdtype):
            response.set_rcode(dns.rcode.NOTIMP)
            return
        response.flags |= dns.flags.AA
        for _ in range(MAX_ALIASES):
            zone = self._zone_of(name)
            if zone is None:
                return  # an alias that leads out of our zones: the resolver goes on from here
            content = zone.at(self._monotonic() - endpoint.lag)
            if found := content.find(name, rdtype):
                response.answer.append(found)
                return
            alias = content.find(name, dns.rdatatype.CNAME)
            if alias is None:
                if not content.exists(name):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                response.authority.append(content.soa())
                return
            response.answer.append(alias)
            name = alias[0].target

    def _update(self, message: dns.update.UpdateMessage, endpoint: Endpoint) -> dns.rcode.Rcode:
        if not message.had_tsig:
            return dns.rcode.REFUSED
        origin = message.zone[0].name if message.zone else None
        zone = next((zone for zone in self._zones if zone.origin == origin), None)
        if zone is None or not endpoint.primary:
            return dns.rcode.NOTAUTH
        return zone.update(message.prerequisite, message.update, self._monotonic())

    def _zone_of(self, name: dns.name.Name) -> Zone | None:
        fitting = [zone for zone in self._zones if name.is_subdomain(zone.origin)]
        return max(fitting, key=lambda zone: len(zone.origin), default=None)

    async def _stream(
        self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            async with asyncio.timeout(TCP_IDLE):
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(length)
            answer = self.respond(wire, endpoint)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side of one endpoint."""

    def __init__(self, server: NameServer, endpoint: Endpoint) -> None:
        self._server = server
        self._endpoint = endpoint

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.respond(data, self._endpoint, MAX_UDP)
        if answer is not None:
            self._transport.sendto(answer, addr)


Bound = tuple[str, socket.socket, socket.socket]


def _bind(port: int) -> list[Bound]:
    """UDP and TCP sockets on one port number of every loopback address that exists here."""
    for _ in range(BIND_TRIES):
        bound: list[Bound] = []
        chosen = port
        try:
            for host in (PRIMARY, SECONDARY):
                tcp = loopback_socket(socket.SOCK_STREAM, host, chosen)
                chosen = tcp.getsockname()[1]
                bound.append((host, tcp, tcp))
                bound[-1] = (host, loopback_socket(socket.SOCK_DGRAM, host, chosen), tcp)
            return bound
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and len(bound) == 1:
                return bound  # a system whose loopback is 127.0.0.1 alone: no secondary
            for _, udp, tcp in bound:
                udp.close()
                tcp.close()
            if port or error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free on every loopback address")
