"""BIND 9, the real name server, on loopback: authoritative zones, TSIG, dynamic updates.

What to know before writing a test with it:

- Every name of a zone resolves to 127.0.0.1 through a wildcard, so that a CA on loopback finds
  http-01. A TXT record at `_acme-challenge.a.<zone>` makes `a.<zone>` exist, and the wildcard no
  longer covers it: do not mix http-01 and dns-01 on one name at the same time.
- Secondaries are reached at 127.0.0.2, 127.0.0.3, … and the *same port* as the primary at
  127.0.0.1; the zone's NS records name all of them.
- With `hold_transfers` a secondary keeps what it has until the test calls `release`: propagation
  that is slow on purpose, without a clock.
"""

from __future__ import annotations

import base64
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone

from tests.servers.process import Process, Server, binary, free_port
from tests.servers.relay import DnsRelay

PRIMARY = "127.0.0.1"
QUERY_LIMIT = 3.0
"""Seconds for one question on loopback."""

ROOT = """\
$TTL 60
. SOA ns.root.test. hostmaster.root.test. 1 3600 600 86400 1
. NS ns.root.test.
ns.root.test. A 127.0.0.1
"""
"""All that there is outside the zones of a name server that resolves."""

Record = tuple[str, str, str]
"""(absolute name without the last dot, type, value in zone file form)."""


@dataclass(frozen=True)
class TsigKey:
    """A TSIG key (RFC 8945); `secret` is base64."""

    name: str
    algorithm: str = "hmac-sha256"
    secret: str = field(
        default_factory=lambda: base64.b64encode(os.urandom(32)).decode(), repr=False
    )


@dataclass(frozen=True)
class Zone:
    """A zone to serve.

    `records` are extra lines in zone file form. `grants` are update-policy lines without "grant";
    empty means that each key of the server may change everything in the zone.
    """

    name: str
    records: str = ""
    grants: Sequence[str] = ()


class Bind(Server):
    """A running primary with its secondaries. `server` is "127.0.0.1:port".

    `tsig` is the first of `keys`, the one most tests sign with. With `resolves` the primary is a
    resolver, too: it follows aliases between its zones, and says that nothing exists outside them.
    """

    def __init__(
        self,
        *,
        zones: Iterable[str | Zone] = ("kmtui.test",),
        keys: Sequence[TsigKey] = (),
        secondaries: int = 0,
        hold_transfers: bool = False,
        resolves: bool = False,
    ) -> None:
        super().__init__()
        self._resolves = resolves
        self.zones = [Zone(zone) if isinstance(zone, str) else zone for zone in zones]
        self.keys = list(keys) or [TsigKey("kmtui-key")]
        self.tsig = self.keys[0]
        self.addresses = [f"127.0.0.{number}" for number in range(1, secondaries + 2)]
        self.port = free_port(*self.addresses)
        self.server = f"{PRIMARY}:{self.port}"
        self._own_ports = {address: free_port() for address in self.addresses}
        self._own_ports[PRIMARY] = self.port
        self._relays = {
            address: DnsRelay((address, self.port), (PRIMARY, self._own_ports[address]))
            for address in self.addresses[1:]
        }
        self._held = hold_transfers
        self._harness_key = TsigKey("test-harness")
        self._named = {address: self._configure(address) for address in self.addresses}
        self._processes = list(self._named.values())
        self._at_start: dict[str, set[Record]] = {}

    # What a test reads and does

    def txt(self, name: str, address: str = PRIMARY) -> list[str]:
        """The TXT values at `name`, sorted, as the name server at `address` answers them."""
        found = self._answers(name, dns.rdatatype.TXT, address)
        return sorted(b"".join(value.strings).decode() for value in found)

    def txt_set(self, name: str) -> tuple[int, list[tuple[str, ...]]]:
        """TTL and values at `name`, sorted, each as the strings it is made of; 0 without any."""
        question = dns.message.make_query(name, dns.rdatatype.TXT)
        answer = dns.query.tcp(question, PRIMARY, timeout=QUERY_LIMIT, port=self.port)
        found = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TXT]
        values = sorted(tuple(s.decode() for s in value.strings) for r in found for value in r)
        return found[0].ttl if found else 0, values

    def addresses_of(self, name: str) -> list[str]:
        """The IPv4 addresses of `name`, sorted."""
        return sorted(value.address for value in self._answers(name, dns.rdatatype.A, PRIMARY))

    def records(self, zone: str, address: str = PRIMARY) -> set[Record]:
        """Every record of a zone but its SOA, by zone transfer."""
        content = dns.zone.Zone(zone, relativize=False)
        dns.query.inbound_xfr(address, content, port=self.port, lifetime=QUERY_LIMIT)
        return {
            (name.to_text(omit_final_dot=True), dns.rdatatype.to_text(value.rdtype), str(value))
            for name, _, value in content.iterate_rdatas()
            if value.rdtype != dns.rdatatype.SOA
        }

    def added(self, zone: str) -> set[Record]:
        """The records that were not there when the server started: what somebody left behind."""
        return self.records(zone) - self._at_start[zone]

    def add(self, name: str, kind: str, value: str, ttl: int = 60) -> None:
        """Adds a record by hand, as another person with access to the zone would."""
        self._update(name, lambda change, owner: change.add(owner, ttl, kind, value))

    def add_txt(self, name: str, value: str) -> None:
        self.add(name, "TXT", f'"{value}"')

    def set_txt(self, name: str, values: Iterable[Sequence[str]], ttl: int) -> None:
        """Makes these the TXT values at `name`, each given as its strings."""

        def replace(change: dns.update.Update, owner: dns.name.Name) -> None:
            change.delete(owner, "TXT")
            for strings in values:
                change.add(owner, ttl, "TXT", " ".join(f'"{string}"' for string in strings))

        self._update(name, replace)

    def remove(self, name: str, kind: str, *value: str) -> None:
        """Removes every record of one type at `name`, or the one with this value."""
        self._update(name, lambda change, owner: change.delete(owner, kind, *value))

    def release(self, address: str) -> None:
        """Makes the secondary at `address` fetch the zones now, and returns when it has them."""
        for zone in self.zones:
            notice = dns.message.make_query(zone.name, dns.rdatatype.SOA)
            notice.set_opcode(dns.opcode.NOTIFY)
            notice.flags = dns.opcode.to_flags(dns.opcode.NOTIFY) | dns.flags.AA
            dns.query.udp(notice, address, timeout=QUERY_LIMIT, port=self.port, source=PRIMARY)
        deadline = time.monotonic() + QUERY_LIMIT
        while any(self._serial(z, address) != self._serial(z, PRIMARY) for z in self.zones):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} did not fetch the zones:\n{self.log}")
            time.sleep(0.02)

    @contextmanager
    def letting_go(self) -> Iterator[None]:
        """The secondaries learn of every change within a moment, as long as the block runs."""
        over = threading.Event()

        def release() -> None:
            while not over.wait(0.3):
                for address in self.addresses[1:]:
                    with suppress(TimeoutError):  # the zone changed meanwhile: the next turn
                        self.release(address)

        thread = threading.Thread(target=release)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def stop_one(self, address: str) -> None:
        """Ends one name server; the others go on."""
        if address in self._relays:
            self._relays[address].stop()
        self._named[address].stop()

    # How it runs

    def _spawn(self) -> None:
        self._named[PRIMARY].spawn()

    def stop(self) -> None:
        for relay in self._relays.values():
            relay.stop()
        super().stop()

    def _wait(self) -> None:
        self._await(PRIMARY)
        # Only now: a secondary whose first transfer is refused tries again after half a minute.
        for address, relay in self._relays.items():
            relay.start()
            self._named[address].spawn()
        for address in self._relays:
            self._await(address)
        self._at_start = self._at_start or {
            zone.name: self.records(zone.name) for zone in self.zones
        }

    def _await(self, address: str) -> None:
        self._named[address].wait_until(partial(self._serves_all, address))

    def _serves_all(self, address: str) -> bool:
        try:
            return all(self._serial(zone, address) is not None for zone in self.zones)
        except (OSError, EOFError, dns.exception.DNSException):
            return False

    def _answers(self, name: str, kind: dns.rdatatype.RdataType, address: str) -> list[Any]:
        question = dns.message.make_query(name, kind)
        answer = dns.query.tcp(question, address, timeout=QUERY_LIMIT, port=self.port)
        return [value for group in answer.answer if group.rdtype == kind for value in group]

    def _serial(self, zone: Zone, address: str) -> int | None:
        """The serial number of a zone at one server; None while it does not answer for it."""
        question = dns.message.make_query(zone.name, dns.rdatatype.SOA)
        answer = dns.query.tcp(question, address, timeout=0.5, port=self.port)
        if not answer.flags & dns.flags.AA or not answer.answer:
            return None
        serial: int = answer.answer[0][0].serial
        return serial

    def _update(self, name: str, apply: Callable[[dns.update.Update, dns.name.Name], None]) -> None:
        owner = dns.name.from_text(name)
        zones = [dns.name.from_text(zone.name) for zone in self.zones]
        zone = max((z for z in zones if owner.is_subdomain(z)), key=len)
        change = dns.update.Update(
            zone,
            keyring=dns.tsigkeyring.from_text({self._harness_key.name: self._harness_key.secret}),
            keyalgorithm=dns.tsig.HMAC_SHA256,
        )
        apply(change, owner)
        answer = dns.query.tcp(change, PRIMARY, timeout=QUERY_LIMIT, port=self.port)
        if answer.rcode() != 0:
            raise AssertionError(f"the name server refused: {answer.to_text()}")

    # Its files

    def _configure(self, address: str) -> Process:
        home = self.directory / address
        home.mkdir()
        path = home / "named.conf"
        path.write_text(self._options(address, home) + "".join(self._zone_blocks(address, home)))
        # -g: foreground, log to stderr. One thread: several servers share a small machine.
        argv: list[str | Path] = [binary("named"), "-g", "-4", "-n", "1", "-c", path]
        return Process(argv, log=home / "named.log")

    def _options(self, address: str, home: Path) -> str:
        notify = "no" if self._held or address != PRIMARY else "explicit"
        others = "".join(f"{other} port {self.port}; " for other in self.addresses[1:])
        # Pebble asks over TCP: 150 connections at once for 50 names. The usual queue of ten drops
        # most of them, and each comes again after a second: no CA does that to a name server.
        return f"""options {{
    directory "{home}";
    managed-keys-directory "{home}";
    pid-file none;
    session-keyfile none;
    listen-on port {self._own_ports[address]} {{ {PRIMARY}; }};
    listen-on-v6 {{ none; }};
    recursion {"yes" if self._resolves else "no"};
    dnssec-validation no;
    minimal-responses no-auth-recursive;
    allow-transfer {{ any; }};
    check-names primary ignore;
    notify {notify};
    {f"also-notify {{ {others}}};" if notify == "explicit" and others else ""}
    notify-delay 0;
    tcp-listen-queue 512;
    tcp-clients 1000;
}};
controls {{ }};
""" + "".join(
            f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};\n'
            for key in [*self.keys, self._harness_key]
        )

    def _zone_blocks(self, address: str, home: Path) -> Iterable[str]:
        if self._resolves:
            (home / "root.zone").write_text(ROOT)
            yield 'zone "." { type primary; file "root.zone"; };\n'
        for zone in self.zones:
            path = home / f"{re.sub(r'[^a-z0-9.-]', '_', zone.name)}.zone"
            if address != PRIMARY:
                source = f"primaries {{ {PRIMARY} port {self.port}; }}"
                yield f'zone "{zone.name}" {{ type secondary; file "{path}"; {source}; }};\n'
                continue
            path.write_text(self._zone_file(zone))
            grants = zone.grants or [f"{key.name} zonesub ANY" for key in self.keys]
            policy = "".join(
                f"grant {grant}; " for grant in [*grants, f"{self._harness_key.name} zonesub ANY"]
            )
            yield (
                f'zone "{zone.name}" {{ type primary; file "{path}"; '
                f"update-policy {{ {policy}}}; }};\n"
            )

    def _zone_file(self, zone: Zone) -> str:
        servers = "".join(
            f"@ NS ns{number}\nns{number} A {address}\n"
            for number, address in enumerate(self.addresses, start=1)
        )
        return (
            f"$ORIGIN {zone.name}.\n$TTL 60\n"
            "@ SOA ns1 hostmaster 1 3600 600 86400 1\n"
            f"{servers}@ A {PRIMARY}\n* A {PRIMARY}\n{zone.records}\n"
        )
