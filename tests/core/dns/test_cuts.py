"""Zones found a moment ago are known for the next name, and not for longer than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import dns.name
import dns.rdatatype
import pytest

from kmtui.core.dns.authority import Authorities
from kmtui.core.dns.cuts import MEMORY
from kmtui.core.dns.resolvers import Resolvers
from tests.core.challenges.stub_nameserver import StubNameServer

SERVED = ("@ NS ns", "ns A 127.0.0.1")


def challenge(host: str) -> dns.name.Name:
    return dns.name.from_text(f"_acme-challenge.{host}")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[StubNameServer]:
    """Resolver and name server in one."""
    server = StubNameServer("127.0.0.1")
    server.serve("example.test", *SERVED)
    async with server.running():
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authorities(server: StubNameServer, clock: Clock) -> Authorities:
    return Authorities(Resolvers([server.endpoint], patience=0.5), patience=0.5, clock=clock)


async def test_the_next_name_of_a_zone_costs_one_question(
    server: StubNameServer, authorities: Authorities
) -> None:
    await authorities.ask(challenge("one.example.test"), dns.rdatatype.CNAME)
    before = len(server.asked)

    await authorities.ask(challenge("two.example.test"), dns.rdatatype.CNAME)
    cut = await authorities.zone_cut(challenge("two.example.test"))

    assert cut.zone == dns.name.from_text("example.test")
    assert len(server.asked) == before + 1


async def test_a_zone_is_looked_for_again_after_a_while(
    server: StubNameServer, authorities: Authorities, clock: Clock
) -> None:
    await authorities.zone_cut(challenge("one.example.test"))
    server.serve("one.example.test", *SERVED)
    clock.now += MEMORY

    cut = await authorities.zone_cut(challenge("one.example.test"))

    assert cut.zone == dns.name.from_text("one.example.test")


async def test_many_names_at_once_look_for_their_zone_once(
    server: StubNameServer, authorities: Authorities
) -> None:
    names = [challenge(f"{number}.example.test") for number in range(40)]

    cuts = await asyncio.gather(*(authorities.zone_cut(name) for name in names))

    assert {cut.zone.to_text() for cut in cuts} == {"example.test."}
    assert len(server.asked) < 40 + 12


async def test_a_deeper_zone_on_the_same_server_is_not_taken_for_the_upper_one(
    server: StubNameServer, authorities: Authorities
) -> None:
    server.serve("deep.example.test", *SERVED)
    await authorities.zone_cut(challenge("one.example.test"))

    cut = await authorities.zone_cut(challenge("www.deep.example.test"))

    assert cut.zone == dns.name.from_text("deep.example.test")
