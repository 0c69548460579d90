"""BIND as a vendor of the DNS contract: its zones, and a relay that sees what arrives."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import ClassVar

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.dns.vendor import Strings
from tests.servers.bind import PRIMARY, Bind

SERVED = (
    "example.org",
    "acme.example.org",
    "sub.example.org",
    "_acme-challenge.host.example.org",
)
"""Zones that the contract may ask for; a BIND that serves them is started once."""


class BindVendor:
    """A BIND that is reached through a relay over TCP; see `tests.dns.vendor.Vendor`."""

    provider: ClassVar[str] = "rfc2136"

    def __init__(self, bind: Bind) -> None:
        self.calls: list[str] = []
        self.writes = 0
        self._bind = bind
        self._before: list[Callable[[], None]] = []
        self._failures = 0
        self._relay = _Relay(self.pass_on)

    @property
    def settings(self) -> dict[str, str]:
        server = f"{PRIMARY}:{self._relay.server_address[1]}"
        return {"server": server, "tsig_name": self._bind.tsig.name}

    @property
    def secrets(self) -> dict[str, str]:
        return {"tsig_secret": self._bind.tsig.secret}

    @property
    def received(self) -> str:
        return "\n".join(self.calls)

    def add_zone(self, name: str, *, nameservers: tuple[str, ...] = ()) -> str:
        assert name in SERVED
        return name

    def txt(self, fqdn: str) -> list[Strings]:
        found = self._answer(fqdn) or ()
        return sorted(tuple(string.decode() for string in rdata.strings) for rdata in found)

    def ttl(self, fqdn: str) -> int | None:
        answer = self._answer(fqdn)
        return answer.ttl if answer else None

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        self._bind.add(fqdn, "TXT", " ".join(f'"{string}"' for string in value), ttl=ttl)

    def drop(self, fqdn: str, value: Strings) -> None:
        self._bind.remove(fqdn, "TXT", " ".join(f'"{string}"' for string in value))

    def before_write(self, act: Callable[[], None], *, times: int = 1) -> None:
        self._before += [act] * times

    def too_fast(self, *, times: int = 1, seconds: int = 1) -> None:
        raise AssertionError("name servers do not limit the rate of updates")

    def fail(self, *, times: int = 1) -> None:
        self._failures += times

    def start(self) -> None:
        threading.Thread(target=self._relay.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """End the relay and leave the zones as they were."""
        self._relay.shutdown()
        self._relay.server_close()
        for zone in SERVED:
            for name, rdtype, value in self._bind.added(zone):
                self._bind.remove(name, rdtype, value)

    def pass_on(self, wire: bytes) -> bytes:
        """One message to BIND and the answer to it, which may be a failure instead."""
        message = dns.message.from_wire(wire, keyring=False)  # Signatures are BIND's to verify.
        writes = message.opcode() == dns.opcode.UPDATE
        self.calls.append(f"{dns.opcode.to_text(message.opcode())} {message.sections[0][0].name}")
        self.writes += writes
        if writes and self._before:
            self._before.pop(0)()
        if self._failures:
            self._failures -= 1
            answer = dns.message.Message(id=message.id)
            answer.flags = dns.flags.QR | dns.opcode.to_flags(message.opcode())
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer.to_wire()
        return _exchange(wire, self._bind.port)

    def _answer(self, fqdn: str) -> dns.rrset.RRset | None:
        question = dns.message.make_query(fqdn, dns.rdatatype.TXT)
        reply = dns.query.tcp(question, PRIMARY, port=self._bind.port, timeout=3)
        return next((rrset for rrset in reply.answer if rrset.rdtype == dns.rdatatype.TXT), None)


def _exchange(wire: bytes, port: int) -> bytes:
    with socket.create_connection((PRIMARY, port), timeout=5) as upstream:
        upstream.sendall(len(wire).to_bytes(2) + wire)
        stream = upstream.makefile("rb")
        return stream.read(int.from_bytes(stream.read(2)))


class _Streams(socketserver.StreamRequestHandler):
    """One connection: messages with their length in front (RFC 1035 section 4.2.2)."""

    server: _Relay

    def handle(self) -> None:
        while size := self.rfile.read(2):
            answer = self.server.pass_on(self.rfile.read(int.from_bytes(size)))
            self.wfile.write(len(answer).to_bytes(2) + answer)


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, pass_on: Callable[[bytes], bytes]) -> None:
        super().__init__((PRIMARY, 0), _Streams)
        self.pass_on = pass_on
