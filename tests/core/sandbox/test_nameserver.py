"""The sandbox's name servers, asked and updated over the wire by dnspython."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest

from kmtui.core.sandbox.nameserver import Endpoint, NameServer
from kmtui.core.sandbox.sandbox import Sandbox

RECORD = "_acme-challenge.kmtui.test"


async def test_host_names_are_on_loopback_and_both_servers_are_named(zone: Any) -> None:
    def ask() -> set[str]:
        host = zone.ask("any.host.kmtui.test", "A")
        servers = zone.ask("shop.test", "NS", tcp=True)
        second = zone.ask("ns2.shop.test", "A", "127.0.0.2")
        assert host.flags & servers.flags & second.flags & dns.flags.AA
        return {str(r) for m in (host, servers, second) for rrset in m.answer for r in rrset}

    expected = {"127.0.0.1", "ns1.shop.test.", "ns2.shop.test.", "127.0.0.2"}
    assert await asyncio.to_thread(ask) == expected


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "authority"),
    [
        ("_none.kmtui.test", "TXT", dns.rcode.NXDOMAIN, True),
        ("www.kmtui.test", "AAAA", dns.rcode.NOERROR, True),
        ("www.example.org", "A", dns.rcode.REFUSED, False),
        ("kmtui.test", "ANY", dns.rcode.NOTIMP, False),
    ],
)
async def test_what_is_not_there_is_said_properly(
    zone: Any, name: str, rdtype: str, rcode: int, authority: bool
) -> None:
    answer = await asyncio.to_thread(zone.ask, name, rdtype)

    assert answer.rcode() == rcode
    assert not answer.answer
    assert [rrset.rdtype.name for rrset in answer.authority] == (["SOA"] if authority else [])


async def test_signed_updates_add_and_remove_single_values(zone: Any) -> None:
    def change() -> list[set[str]]:
        zone.add_txt(RECORD, "one")
        zone.add_txt(RECORD, "two")
        seen = [zone.texts(RECORD)]
        removal = zone.update()
        removal.delete(dns.name.from_text(RECORD), "TXT", '"one"')
        assert zone.send(removal, tcp=True).had_tsig
        return [*seen, zone.texts(RECORD)]

    assert await asyncio.to_thread(change) == [{"one", "two"}, {"two"}]


async def test_an_update_happens_whole_or_not_at_all(zone: Any) -> None:
    def change() -> tuple[int, set[str]]:
        message = zone.update()
        message.present(dns.name.from_text("_missing.kmtui.test"), "TXT")
        message.add(dns.name.from_text(RECORD), 60, "TXT", '"value"')
        return zone.send(message).rcode(), zone.texts(RECORD)

    assert await asyncio.to_thread(change) == (dns.rcode.NXRRSET, set())


async def test_an_alias_is_followed_and_stands_alone(zone: Any) -> None:
    def change() -> tuple[int, set[str], list[str]]:
        alias = zone.update()
        alias.add(dns.name.from_text(RECORD), 60, "CNAME", "_acme.shop.test.")
        zone.send(alias)
        guarded = zone.update()
        guarded.absent(dns.name.from_text(RECORD), "CNAME")
        guarded.add(dns.name.from_text(RECORD), 60, "TXT", '"value"')
        refused = zone.send(guarded).rcode()
        target = dns.update.UpdateMessage("shop.test", keyring=zone.key)
        target.add("_acme", 60, "TXT", '"delegated"')
        zone.send(target)
        answer = zone.ask(RECORD, "TXT").answer
        return refused, {str(answer[-1][0])}, [rrset.rdtype.name for rrset in answer]

    expected = (dns.rcode.YXRRSET, {'"delegated"'}, ["CNAME", "TXT"])
    assert await asyncio.to_thread(change) == expected


@pytest.mark.parametrize(
    ("origin", "name", "rcode"),
    [
        ("kmtui.test", "_acme-challenge.shop.test", dns.rcode.NOTZONE),
        ("www.kmtui.test", "_acme-challenge.www.kmtui.test", dns.rcode.NOTAUTH),
        ("example.org", "_acme-challenge.example.org", dns.rcode.NOTAUTH),
    ],
)
async def test_updates_stay_inside_a_zone(zone: Any, origin: str, name: str, rcode: int) -> None:
    message = dns.update.UpdateMessage(origin, keyring=zone.key)
    message.add(dns.name.from_text(name), 60, "TXT", '"value"')

    answer = await asyncio.to_thread(zone.send, message)

    assert answer.rcode() == rcode


async def test_the_zone_cannot_be_beheaded(zone: Any) -> None:
    def change() -> set[str]:
        for rdtype in ("ANY", "NS", "SOA"):
            message = zone.update()
            message.delete(dns.name.from_text("kmtui.test"), rdtype)
            zone.send(message)
        return {rdtype for rdtype in ("NS", "SOA") if zone.ask("kmtui.test", rdtype).answer}

    assert await asyncio.to_thread(change) == {"NS", "SOA"}


async def test_unsigned_updates_are_refused(zone: Any) -> None:
    message = dns.update.UpdateMessage("kmtui.test")
    message.add("_acme-challenge", 60, "TXT", '"value"')

    answer = await asyncio.to_thread(zone.send, message)

    assert answer.rcode() == dns.rcode.REFUSED
    assert await asyncio.to_thread(zone.texts, RECORD) == set()


def other_secret(key: dns.tsig.Key) -> dns.tsig.Key:
    return dns.tsig.Key(key.name, base64.b64encode(secrets.token_bytes(32)), key.algorithm)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (other_secret, dns.tsig.PeerBadSignature),
        (lambda key: dns.tsig.Key("other.", key.secret, key.algorithm), dns.tsig.PeerBadKey),
        (lambda key: dns.tsig.Key(key.name, key.secret, "hmac-sha512"), dns.tsig.PeerBadKey),
    ],
)
async def test_wrong_signatures_are_named(
    zone: Any, wrong: Callable[[dns.tsig.Key], dns.tsig.Key], error: type[Exception]
) -> None:
    message = zone.update(wrong(zone.key))
    message.add("_acme-challenge", 60, "TXT", '"value"')

    with pytest.raises(error):
        await asyncio.to_thread(zone.send, message)
    assert await asyncio.to_thread(zone.texts, RECORD) == set()


async def test_a_wrong_clock_is_told_under_signature(zone: Any, monkeypatch: Any) -> None:
    # given a message signed an hour ago
    message = zone.update()
    message.add("_acme-challenge", 60, "TXT", '"value"')
    with monkeypatch.context() as patch:
        patch.setattr("dns.message.time.time", lambda: 1_000_000_000)
        wire = message.to_wire()

    # when it arrives
    with pytest.raises(dns.tsig.PeerBadTime):
        await asyncio.to_thread(
            dns.query.udp, message, "127.0.0.1", timeout=5, port=zone.port, sock=replay(wire)
        )


def replay(wire: bytes) -> Any:
    """A UDP socket that sends `wire` whatever it is given."""
    import socket

    class Replay(socket.socket):
        def sendto(self, data: Any, *address: Any) -> int:
            return super().sendto(wire, *address)

    opened = Replay(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    return opened


async def test_long_answers_are_cut_and_come_whole_over_tcp(zone: Any) -> None:
    def ask() -> tuple[bool, int]:
        for i in range(20):
            zone.add_txt(RECORD, f"{i:04}" + "x" * 60)
        cut = zone.ask(RECORD, "TXT")
        whole = zone.ask(RECORD, "TXT", tcp=True)
        return bool(cut.flags & dns.flags.TC), len(whole.answer[0])

    assert await asyncio.to_thread(ask) == (True, 20)


async def test_the_secondary_shows_a_change_later() -> None:
    # given name servers with a clock of ours and a lag of two seconds
    clock = [100.0]
    key = dns.tsig.Key("key.", base64.b64encode(b"secret" * 6))
    server = NameServer(["kmtui.test"], key, lag=2.0, monotonic=lambda: clock[0])
    primary, secondary = Endpoint("127.0.0.1", 0.0), Endpoint("127.0.0.2", 2.0)
    await server.start()

    def texts(endpoint: Endpoint) -> list[str]:
        query = dns.message.make_query(RECORD, "TXT")
        answer = dns.message.from_wire(server.respond(query.to_wire(), endpoint))
        return [str(rdata) for rrset in answer.answer for rdata in rrset]

    try:
        # when a value is added
        message = dns.update.UpdateMessage("kmtui.test", keyring=key)
        message.add("_acme-challenge", 60, "TXT", '"value"')
        server.respond(message.to_wire(), primary)

        # then the primary has it at once and the secondary after the lag
        assert texts(primary) == ['"value"']
        assert texts(secondary) == []
        clock[0] += 1.9
        assert texts(secondary) == []
        clock[0] += 0.2
        assert texts(secondary) == ['"value"']
    finally:
        await server.close()


async def test_a_lag_that_grows_later_never_leaves_a_server_without_an_answer() -> None:
    # given servers without lag that took changes, and so forgot what was before
    clock = [100.0]
    key = dns.tsig.Key("key.", base64.b64encode(b"secret" * 6))
    server = NameServer(["kmtui.test"], key, lag=0.0, monotonic=lambda: clock[0])
    await server.start()
    try:
        for value in ("one", "two", "three"):
            message = dns.update.UpdateMessage("kmtui.test", keyring=key)
            message.add("_acme-challenge", 60, "TXT", value)
            server.respond(message.to_wire(), Endpoint("127.0.0.1", 0.0))
            clock[0] += 1

        # when the secondary is to be further behind than anything is remembered
        query = dns.message.make_query(RECORD, "TXT")
        wire = server.respond(query.to_wire(), Endpoint("127.0.0.2", 3600.0))

        # then it answers with the oldest content that is known
        assert dns.message.from_wire(wire).answer
    finally:
        await server.close()


async def test_only_the_primary_takes_updates(zone: Any) -> None:
    message = zone.update()
    message.add("_acme-challenge", 60, "TXT", '"value"')

    answer = await asyncio.to_thread(zone.send, message, "127.0.0.2")

    assert answer.rcode() == dns.rcode.NOTAUTH


@pytest.mark.parametrize(
    ("wire", "answered"),
    [
        (b"", False),
        (b"\x00" * 11, False),
        (b"\x12\x34\x80\x00" + bytes(8), False),
        (b"\x12\x34\x00\x00\x00\x01" + bytes(6), True),
        (b"\x12\x34\x28\x00\x00\x01" + bytes(6) + b"\xff" * 8, True),
    ],
)
async def test_broken_messages_do_no_harm(sandbox: Sandbox, wire: bytes, answered: bool) -> None:
    answer = sandbox._name_server.respond(wire, Endpoint("127.0.0.1", 0.0))

    assert (answer is not None) == answered
    if answer:
        assert answer[:2] == wire[:2]
        assert dns.message.from_wire(answer).rcode() == dns.rcode.FORMERR
