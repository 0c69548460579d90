"""The hosted zones of an AWS account: listed, asked for one by one, or named by their id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import dns.name
import pytest

from kmtui.core.dns import route53_zones
from kmtui.core.dns.provider import Surroundings
from kmtui.core.errors import DnsProviderError
from tests.dns.fakes.route53 import FakeRoute53
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

SERVERS = ("ns1.here.test", "ns2.here.test")


@pytest.fixture
def vendor() -> Iterator[FakeRoute53]:
    vendor = FakeRoute53()
    vendor.start()
    yield vendor
    vendor.stop()


def delegated_to(*servers: str) -> Surroundings:
    async def public(zone: dns.name.Name) -> frozenset[str]:
        return frozenset(servers)

    return Surroundings(public_nameservers=public)


@pytest.fixture(params=["listed", "asked for by name"])
def listing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Accounts with few zones and with many are looked through in different ways."""
    if request.param != "listed":
        monkeypatch.setattr(route53_zones, "MOST_PAGES", 1)
        monkeypatch.setattr(route53_zones, "PAGE", 2)
    return str(request.param)


def add_others(vendor: FakeRoute53) -> None:
    for name in ("a.test", "badexample.org", "example.com", "xexample.org", "z.test"):
        vendor.add_zone(name)


# --- which zone -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("listing")
@pytest.mark.parametrize(
    ("fqdn", "expected"),
    [
        (NAME, ZONE),
        (f"_acme-challenge.a.b.{ZONE}", ZONE),
        (f"_acme-challenge.www.sub.{ZONE}", f"sub.{ZONE}"),
        (f"_acme-challenge.host.{ZONE}", f"_acme-challenge.host.{ZONE}"),
        ("_acme-challenge.badexample.org", "badexample.org"),
    ],
)
async def test_the_longest_public_zone_is_found_among_others(
    vendor: FakeRoute53, opened: Opening, fqdn: str, expected: str
) -> None:
    add_others(vendor)
    for name in (ZONE, f"sub.{ZONE}", f"_acme-challenge.host.{ZONE}"):
        vendor.add_zone(name, nameservers=SERVERS)
    vendor.add_zone(f"b.{ZONE}", private=True)
    vendor.add_zone(ZONE, private=True)

    assert (await opened().find_zone(fqdn)).text == expected


@pytest.mark.usefixtures("listing")
async def test_a_zone_comes_with_the_name_servers_it_was_given(
    vendor: FakeRoute53, opened: Opening
) -> None:
    zone_id = vendor.add_zone(ZONE, nameservers=SERVERS)

    zone = await opened().find_zone(NAME)

    assert (zone.id, zone.nameservers) == (zone_id, SERVERS)


@pytest.mark.usefixtures("listing")
async def test_without_the_right_to_see_the_zone_its_own_records_tell_the_name_servers(
    vendor: FakeRoute53, opened: Opening
) -> None:
    add_others(vendor)
    vendor.add_zone(ZONE, nameservers=SERVERS)
    vendor.denied = {"GetHostedZone"}

    assert (await opened().find_zone(NAME)).nameservers == SERVERS


@pytest.mark.usefixtures("listing")
async def test_of_two_zones_of_one_name_the_delegated_one_is_found(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE, nameservers=("ns1.there.test",))
    here = vendor.add_zone(ZONE, nameservers=SERVERS)

    zone = await opened.around(delegated_to(*SERVERS)).find_zone(NAME)

    assert zone.id == here


async def test_two_zones_that_nothing_tells_apart_name_the_setting_that_does(
    vendor: FakeRoute53, opened: Opening
) -> None:
    ids = [vendor.add_zone(ZONE), vendor.add_zone(ZONE)]

    with pytest.raises(DnsProviderError) as caught:
        await opened().find_zone(NAME)

    assert caught.value.kind == "zone_ambiguous"
    assert all(zone_id in caught.value.message for zone_id in ids)
    assert "hosted_zone_id" in caught.value.hint


@pytest.mark.usefixtures("listing")
async def test_a_name_whose_only_zone_is_private_is_told_why_that_does_not_help(
    vendor: FakeRoute53, opened: Opening
) -> None:
    add_others(vendor)
    hidden = vendor.add_zone(ZONE, private=True)

    with pytest.raises(DnsProviderError) as caught:
        await opened().find_zone(NAME)

    assert caught.value.kind == "zone_not_found"
    assert hidden in caught.value.hint
    assert "private" in caught.value.hint


async def test_a_name_outside_the_accounts_zones_is_refused_without_a_call(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE)

    with pytest.raises(DnsProviderError) as caught:
        await opened(zones="example.net").find_zone(NAME)

    assert caught.value.kind == "zone_not_found"
    assert vendor.calls == []


# --- how many calls -------------------------------------------------------------------------------


async def test_many_names_take_one_list(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.add_zone(ZONE)
    route53 = opened()

    await asyncio.gather(
        *(route53.find_zone(f"_acme-challenge.host{number}.{ZONE}") for number in range(50))
    )

    assert len(vendor.calls) == 2


async def test_many_names_of_an_account_with_many_zones_ask_for_shared_names_once(
    vendor: FakeRoute53, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route53_zones, "MOST_PAGES", 1)
    monkeypatch.setattr(route53_zones, "PAGE", 2)
    add_others(vendor)
    vendor.add_zone(ZONE)
    route53 = opened()
    names = [f"_acme-challenge.{number}.hosts.{ZONE}" for number in range(4)]

    for name in names:
        await route53.find_zone(name)

    # One list, two names of its own for each, two they share, and the zone itself.
    assert len(vendor.calls) == 1 + 2 * len(names) + 2 + 1


async def test_all_pages_are_read(
    vendor: FakeRoute53, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route53_zones, "PAGE", 2)
    add_others(vendor)
    vendor.add_zone(ZONE)
    vendor.add_zone(ZONE, private=True)

    assert (await opened().find_zone(NAME)).text == ZONE


async def test_a_zone_that_was_just_made_is_found(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.add_zone("example.net")
    route53 = opened()
    await route53.find_zone("_acme-challenge.example.net")

    vendor.add_zone(ZONE)

    assert (await route53.find_zone(NAME)).text == ZONE


# --- the zone that the account names --------------------------------------------------------------


@pytest.mark.parametrize("written", ["{}", "/hostedzone/{}", "hostedzone/{}", " {} "])
async def test_a_zone_named_by_its_id_needs_rights_to_its_records_only(
    vendor: FakeRoute53, opened: Opening, written: str
) -> None:
    vendor.add_zone(ZONE, nameservers=("ns1.there.test",))
    zone_id = vendor.add_zone(ZONE, nameservers=SERVERS)
    vendor.put_set(ZONE, ["192.0.2.1"], type_="A")
    vendor.denied = {"ListHostedZonesByName", "GetHostedZone", "GetChange"}
    route53 = opened(hosted_zone_id=written.format(zone_id))

    zone = await route53.find_zone(NAME)
    await route53.remove(await route53.add(zone, NAME, {"ours"}, 60))

    assert (zone.id, zone.text, zone.nameservers) == (zone_id, ZONE, SERVERS)
    assert len(vendor.batches) == 2


async def test_a_name_outside_the_named_zone_is_refused(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone("example.net")
    zone_id = vendor.add_zone(ZONE)

    with pytest.raises(DnsProviderError) as caught:
        await opened(hosted_zone_id=zone_id).find_zone("_acme-challenge.example.net")

    assert caught.value.kind == "zone_not_found"
    assert ZONE in caught.value.message
    assert "hosted_zone_id" in caught.value.hint


async def test_a_named_zone_that_does_not_exist_is_told(
    vendor: FakeRoute53, opened: Opening
) -> None:
    with pytest.raises(DnsProviderError) as caught:
        await opened(hosted_zone_id="Z0123456789ABC").find_zone(NAME)

    assert caught.value.kind == "zone_not_found"
    assert "hosted_zone_id" in caught.value.hint


async def test_a_named_zone_that_is_private_is_refused(
    vendor: FakeRoute53, opened: Opening
) -> None:
    zone_id = vendor.add_zone(ZONE, private=True)

    with pytest.raises(DnsProviderError) as caught:
        await opened(hosted_zone_id=zone_id).find_zone(NAME)

    assert caught.value.kind == "unsupported"
    assert "private" in caught.value.message
