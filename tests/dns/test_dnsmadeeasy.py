"""DNS Made Easy: records one by one, with quotes that come and go and replies of HTML."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

import pytest
from aiohttp import web

from kmtui.core.dns.dnsmadeeasy import DnsMadeEasy
from kmtui.core.dns.provider import TxtHandle
from tests.dns.asking import refused
from tests.dns.cases import case
from tests.dns.contract import Contract
from tests.dns.fakes.dnsmadeeasy import FakeDnsMadeEasy
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

MANAGED = "/V2.0/dns/managed"


@pytest.fixture
def vendor() -> Iterator[FakeDnsMadeEasy]:
    vendor = FakeDnsMadeEasy()
    vendor.start()
    vendor.add_zone(ZONE)
    yield vendor
    vendor.stop()


@pytest.fixture
def dme(opened: Opening) -> DnsMadeEasy:
    return opened()


class TestDnsMadeEasyContract(Contract):
    cannot: ClassVar[dict[int, str]] = {13: "an account holds a zone name once"}
    also = ("tests.dns.test_dnsmadeeasy_account",)
    limit_says_when = False

    @pytest.fixture
    def vendor(self) -> Iterator[FakeDnsMadeEasy]:
        vendor = FakeDnsMadeEasy()
        vendor.start()
        yield vendor
        vendor.stop()


# --- values ---------------------------------------------------------------------------------------


@case(20)
@pytest.mark.parametrize("shown", ["quoted", "bare", "split"])
async def test_a_value_is_known_however_it_is_shown(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy, shown: str
) -> None:
    vendor.shown = shown
    zone = await dme.find_zone(NAME)
    first = await dme.add(zone, NAME, {"ours"}, 60)
    writes = vendor.writes

    again = await dme.add(zone, NAME, {"ours"}, 60)
    assert again == first
    assert vendor.writes == writes
    await dme.remove([TxtHandle.of(zone, NAME, "ours")])

    assert vendor.txt(NAME) == []


@case(20)
async def test_a_value_is_sent_bare(vendor: FakeDnsMadeEasy, dme: DnsMadeEasy) -> None:
    sent: list[object] = []
    zone = await dme.find_zone(NAME)

    async def note(request: web.Request) -> web.Response:
        if request.method == "POST":
            sent.append(await request.json())
            return web.json_response({"id": 7, "value": '"ours"'}, status=201)
        return web.json_response({"totalPages": 0, "data": []})

    vendor.instead = note

    [handle] = await dme.add(zone, NAME, {"ours"}, 60)

    assert handle.record_id == "7"
    assert sent == [
        {
            "type": "TXT",
            "name": "_acme-challenge",
            "value": "ours",
            "ttl": 60,
            "gtdLocation": "DEFAULT",
        }
    ]


async def test_a_duplicate_gives_the_record_that_is_there(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    zone = await dme.find_zone(NAME)
    vendor.before_write(lambda: vendor.put(NAME, ("ours",)))

    [handle] = await dme.add(zone, NAME, {"ours"}, 60)

    assert handle.record_id == vendor.values(NAME)[0].id


async def test_any_other_400_is_an_error_and_not_tried_again(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    zone = await dme.find_zone(NAME)
    vendor.refusal = "TTL is below the minimum of this plan"

    error = await refused(dme.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "invalid_request"
    assert "below the minimum" in error.message
    assert error.vendor_request_id.startswith("dme-")
    assert vendor.writes == 1


async def test_values_of_others_at_the_name_stay(vendor: FakeDnsMadeEasy, dme: DnsMadeEasy) -> None:
    vendor.put(NAME, ("a", "b"), ttl=3600)
    zone = await dme.find_zone(NAME)

    handles = await dme.add(zone, NAME, {"ours"}, 60)
    assert [value.ttl for value in vendor.values(NAME)] == [3600, 3600]
    await dme.remove(handles)

    assert vendor.txt(NAME) == [("a", "b")]


async def test_an_id_of_another_value_is_never_guessed(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.put(NAME, ("not ours",))
    zone = await dme.find_zone(NAME)

    await dme.remove([TxtHandle.of(zone, NAME, "ours")])

    assert vendor.txt(NAME) == [("not ours",)]
    assert vendor.writes == 0


async def test_a_record_that_is_refused_because_it_is_gone_is_a_success(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    zone = await dme.find_zone(NAME)
    handles = await dme.add(zone, NAME, {"ours"}, 60)
    vendor.refusal = "Record was not found"
    kept = await refused(dme.remove(handles))
    vendor.drop(NAME, ("ours",))

    await dme.remove(handles)

    assert kept.kind == "invalid_request"


async def test_both_values_of_an_order_cost_two_calls_each_and_one_for_the_name(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    zone = await dme.find_zone(NAME)
    calls = len(vendor.calls)

    await dme.remove(await dme.add(zone, NAME, {"one", "two"}, 60))

    records = f"{MANAGED}/{zone.id}/records"
    assert [call.rstrip("0123456789") for call in vendor.calls[calls:]] == [
        f"GET {records}",
        *[f"POST {records}/"] * 2,
        *[f"DELETE {records}/"] * 2,
    ]


# --- odd replies ----------------------------------------------------------------------------------


@case(22)
async def test_a_zone_that_is_gone_holds_nothing_to_remove(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    zone = await dme.find_zone(NAME)
    handles = await dme.add(zone, NAME, {"ours"}, 60)
    vendor.zones.clear()

    await dme.remove(handles)
    await dme.remove([TxtHandle.of(zone, NAME, "ours")])

    assert (await refused(dme.add(zone, NAME, {"ours"}, 60))).kind == "zone_not_found"


@case(22)
@pytest.mark.parametrize(
    "body",
    ["<html>sorry</html>", "[]", '{"data": null}', "", "9" * 5000],
    ids=["HTML", "list", "no data", "empty", "number"],
)
async def test_a_page_that_is_no_list_of_records_is_told_as_passing(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy, body: str
) -> None:
    zone = await dme.find_zone(NAME)

    async def odd(request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html")

    vendor.instead = odd

    assert (await refused(dme.add(zone, NAME, {"ours"}, 60))).kind == "transient"
    assert vendor.writes == 0


@case(22)
async def test_all_pages_are_read(vendor: FakeDnsMadeEasy, dme: DnsMadeEasy) -> None:
    vendor.rows_per_page = 2
    for number in range(5):
        vendor.add_zone(f"z{number}.test")
        vendor.put(NAME, (f"v{number}",))
    zone = await dme.find_zone("_acme-challenge.z4.test")
    assert zone.text == "z4.test"
    zone = await dme.find_zone(NAME)

    await dme.remove([TxtHandle.of(zone, NAME, "v4")])

    assert ("v4",) not in vendor.txt(NAME)
    assert len(vendor.txt(NAME)) == 4


@case(22)
async def test_the_zones_own_name_is_empty_and_no_filter(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.put(NAME, ("ours",))
    vendor.put(ZONE, ("v=spf1 -all",))
    zone = await dme.find_zone(ZONE)

    handles = await dme.add(zone, ZONE, {"ours"}, 60)
    assert vendor.txt(ZONE) == [("ours",), ("v=spf1 -all",)]
    await dme.remove([TxtHandle.of(zone, ZONE, handle.value) for handle in handles])

    assert vendor.txt(ZONE) == [("v=spf1 -all",)]
    assert vendor.txt(NAME) == [("ours",)]


# --- zones ----------------------------------------------------------------------------------------


async def test_the_zones_are_listed_once_for_many_names(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    names = [f"_acme-challenge.host{number}.{ZONE}" for number in range(20)]

    zones = await asyncio.gather(*map(dme.find_zone, names))

    assert {zone.text for zone in zones} == {ZONE}
    assert vendor.calls == [f"GET {MANAGED}/", f"GET {MANAGED}/name"]


async def test_a_zone_that_was_made_since_is_found(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    await dme.find_zone(NAME)
    await refused(dme.find_zone("_acme-challenge.example.net"))
    vendor.add_zone("example.net")

    assert (await dme.find_zone("_acme-challenge.example.net")).text == "example.net"


async def test_many_names_without_a_zone_cost_one_list(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    names = [f"_acme-challenge.host{number}.example.net" for number in range(9)]

    await asyncio.gather(*(refused(dme.find_zone(name)) for name in names))

    assert vendor.calls == [f"GET {MANAGED}/"]


async def test_a_zone_comes_with_its_servers_and_not_those_at_the_registrar(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.more = {"vanityNameServers": [{"fqdn": "ns1.Example.org."}, "odd"], "unknown": [1]}

    zone = await dme.find_zone(NAME)

    assert zone.nameservers == ("ns1.vendor.test", "ns2.vendor.test", "ns1.example.org")


async def test_a_list_with_odd_zones_is_read_past_them(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    for name in ("", "a..b"):
        vendor.add_zone(name)

    assert (await dme.find_zone(NAME)).text == ZONE


async def test_an_account_for_some_zones_is_asked_for_no_others(
    vendor: FakeDnsMadeEasy, opened: Opening
) -> None:
    dme = opened(zones="example.net")

    assert (await refused(dme.find_zone(NAME))).kind == "zone_not_found"
    assert vendor.calls == []
