"""Route 53's word that a change is on all its servers: asked for once, and never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from kmtui.core.dns.names import parse_name
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import DnsProvider, Surroundings, TxtHandle, Zone
from tests.dns.cases import case
from tests.dns.fakes.route53 import FakeRoute53
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE


@pytest.fixture
def vendor() -> Iterator[FakeRoute53]:
    vendor = FakeRoute53()
    vendor.start()
    yield vendor
    vendor.stop()


@pytest.fixture
def zone(vendor: FakeRoute53) -> Zone:
    return Zone(id=vendor.add_zone(ZONE), name=parse_name(ZONE))


def eager(opened: Opening) -> DnsProvider:
    """An account that looks after its changes without waiting."""
    return opened.around(Surroundings(), collaborators={"first_look": 0.01, "looks": 0.01})


def count(vendor: FakeRoute53, what: str) -> int:
    return sum(what in call for call in vendor.calls)


@case(24)
async def test_a_change_is_followed_until_it_is_everywhere(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.pending = 2
    route53 = eager(opened)
    handles = await route53.add(zone, NAME, {"ours", "ours too"}, 60)

    await asyncio.gather(*(route53.wait_applied(handles, 10) for _ in range(20)))

    assert count(vendor, "/change/") == 3


async def test_a_change_that_is_everywhere_at_once_is_not_asked_for(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    route53 = opened()

    await route53.wait_applied(await route53.add(zone, NAME, {"ours"}, 60), 10)

    assert count(vendor, "/change/") == 0


async def test_a_change_that_takes_too_long_is_told_and_left_to_the_name_servers(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.pending = 10_000
    route53 = eager(opened)
    handles = await route53.add(zone, NAME, {"ours"}, 60)
    said: list[str] = []

    async def tell(what: str) -> None:
        said.append(what)

    with patience(30, tell):
        await route53.wait_applied(handles, 0.2)

    assert len(said) == 1
    assert "not brought the change to all its servers" in said[0]


async def test_without_the_right_to_follow_changes_the_name_servers_are_asked(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.pending = 2
    vendor.denied = {"GetChange"}
    route53 = eager(opened)
    handles = await route53.add(zone, NAME, {"ours"}, 60)
    said: list[str] = []

    async def tell(what: str) -> None:
        said.append(what)

    with patience(30, tell):
        for _ in range(3):
            await route53.wait_applied(handles, 10)

    assert count(vendor, "/change/") == 1
    assert len(said) == 1
    assert "route53:GetChange" in said[0]


async def test_a_change_that_amazon_forgot_has_arrived(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    async with asyncio.timeout(5):
        await eager(opened).wait_applied([TxtHandle.of(zone, NAME, "ours", "/change/COLD")], 60)

    assert count(vendor, "/change/COLD") == 1


async def test_a_signal_that_cannot_be_had_does_not_fail_the_order(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.pending = 2
    route53 = eager(opened)
    handles = await route53.add(zone, NAME, {"ours"}, 60)
    vendor.refusals["GetChange"] = ("Throttling", "Rate exceeded")
    said: list[str] = []

    async def tell(what: str) -> None:
        said.append(what)

    with patience(0.3, tell):
        await route53.wait_applied(handles, 10)

    assert len(said) == 1
    assert "does not say where the change has arrived" in said[0]
