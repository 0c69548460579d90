"""What ClouDNS says: refusals, odd replies, which servers have a change; and the account's test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp import web

from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import DnsProvider, Surroundings, TxtHandle
from kmtui.core.errors import DnsProviderError
from tests.dns.cases import case
from tests.dns.fakes.cloudns import PASSWORD, FakeCloudns
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

QUICK = {"first": 0.01, "again": 0.02}


@pytest.fixture
def vendor() -> Iterator[FakeCloudns]:
    vendor = FakeCloudns()
    vendor.start()
    yield vendor
    vendor.stop()


@pytest.fixture
def cloudns(opened: Opening) -> DnsProvider:
    """An account without limits of its own, that looks often."""
    return opened.around(Surroundings(), collaborators={"pace": Pace(None), "signal": QUICK})


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("Invalid authentication, incorrect auth-id or auth-password.", "auth", "not accepted"),
        ("Invalid authentication, incorrect user ID or password.", "auth", "not accepted"),
        ("Wrong or missing required parameter 'auth-id'.", "auth", "not accepted"),
        ("Missing domain-name", "zone_not_found", "no such zone"),
        ("There is no such zone.", "zone_not_found", "no such zone"),
        ("Invalid record-id param.", "conflict", "gone"),
        ("You don't have access to this zone.", "permission", "may not do this"),
        ("You don't have permission to do that.", "permission", "may not do this"),
        ("This feature is not available for your plan.", "plan_restriction", "plan"),
        ("Please upgrade your account.", "plan_restriction", "plan"),
        ("You have reached the records limit for this sub-user.", "quota", "as it may"),
        ("You have reached the limits of your plan.", "quota", "as it may"),
        ("You can't add records in this type of zone.", "unsupported", "not changed at ClouDNS"),
        ("There is a CNAME record with this host.", "conflict", "alias (CNAME)"),
        ("Invalid TTL. Choose from the list of the values we support.", "invalid_request", "TTL"),
        ("Something new.", "invalid_request", "refused (Something new.)"),
    ],
)
async def test_each_refusal_is_told_with_its_next_step(
    vendor: FakeCloudns, cloudns: DnsProvider, text: str, kind: str, words: str
) -> None:
    vendor.add_zone(ZONE)
    zone = await cloudns.find_zone(NAME)
    vendor.refuse["add-record"] = text

    with pytest.raises(DnsProviderError) as caught:
        await cloudns.add(zone, NAME, {"value-1"}, 60)

    error = caught.value
    assert (error.kind, error.raw_code) == (kind, text)
    assert words in error.message
    assert text in error.message
    assert error.hint


async def test_a_long_refusal_is_cut(vendor: FakeCloudns, cloudns: DnsProvider) -> None:
    vendor.refuse["list-zones"] = "x" * 9999

    with pytest.raises(DnsProviderError) as caught:
        await cloudns.find_zone(NAME)

    assert len(caught.value.message) < 500


@case(21)
async def test_calls_that_were_too_fast_are_made_again_a_second_later(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.too_fast()
    started = asyncio.get_running_loop().time()

    zone = await cloudns.find_zone(NAME)

    assert zone.text == ZONE
    assert 1 <= asyncio.get_running_loop().time() - started < 4


# --- odd replies ----------------------------------------------------------------------------------


def html(status: int) -> web.Response:
    return web.Response(status=status, text="<html>Blocked</html>", content_type="text/html")


@case(22)
@pytest.mark.parametrize(
    "odd",
    [html(200), html(403), html(503), web.Response(status=429), web.Response(text="")],
    ids=["page", "forbidden", "unavailable", "too many", "nothing"],
)
async def test_what_is_no_answer_is_asked_again(
    vendor: FakeCloudns, cloudns: DnsProvider, odd: web.Response
) -> None:
    vendor.add_zone(ZONE)
    vendor.astray = [odd]

    assert (await cloudns.find_zone(NAME)).text == ZONE


@case(22)
async def test_what_never_becomes_an_answer_is_told(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.astray = [html(200) for _ in range(9)]

    with patience(1), pytest.raises(DnsProviderError) as caught:
        await cloudns.find_zone(NAME)

    assert caught.value.kind == "transient"
    assert "unreadable" in caught.value.message
    assert "proxy" in caught.value.hint


@case(22)
async def test_a_name_without_records_and_one_with_are_both_read(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    """An empty list is an array, others are objects with ids and TTLs as strings."""
    vendor.add_zone(ZONE)
    zone = await cloudns.find_zone(NAME)
    handle = TxtHandle.of(zone, NAME, "value-1")

    await cloudns.remove([handle])
    vendor.put(NAME, ("value-1",))
    await cloudns.remove([handle])

    assert vendor.txt(NAME) == []


@case(22)
@pytest.mark.parametrize(
    "odd",
    [
        {"status": "Success"},
        {"1": "row"},
        {"1": {}},
        {"1": {"type": "TXT", "host": None, "record": None, "ttl": None}},
        [[], None, 7, {"id": 1, "type": "TXT"}],
        7,
        False,
        "text",
    ],
    ids=str,
)
async def test_an_odd_list_is_an_empty_one(
    vendor: FakeCloudns, cloudns: DnsProvider, odd: object
) -> None:
    vendor.add_zone(ZONE)
    zone = await cloudns.find_zone(NAME)
    vendor.astray = [web.json_response(odd)]

    await cloudns.add(zone, NAME, {"value-1"}, 60)

    assert vendor.txt(NAME) == [("value-1",)]
    assert vendor.ttl(NAME) == 60


@case(22)
@pytest.mark.parametrize("odd", [[], {}, {"status": "Success", "data": []}, "ok"], ids=str)
async def test_a_record_that_was_accepted_and_is_not_there_is_told(
    vendor: FakeCloudns, cloudns: DnsProvider, odd: object
) -> None:
    vendor.add_zone(ZONE)
    zone = await cloudns.find_zone(NAME)
    vendor.astray = [web.json_response([]), web.json_response(odd)]

    with pytest.raises(DnsProviderError) as caught:
        await cloudns.add(zone, NAME, {"value-1"}, 60)

    assert caught.value.kind == "transient"
    assert "does not show it" in caught.value.message


# --- which servers have a change ------------------------------------------------------------------


@case(24)
async def test_all_servers_of_the_vendor_are_waited_for(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    handle = TxtHandle.of(await cloudns.find_zone(NAME), NAME, "value-1")
    vendor.late = 2

    await cloudns.wait_applied([handle, handle], 10)

    assert vendor.methods.count("update-status") == 3


async def test_many_who_wait_for_one_zone_ask_together(
    vendor: FakeCloudns, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    signal = {"first": 0.05, "again": 0.2}
    cloudns = opened.around(Surroundings(), collaborators={"pace": Pace(None), "signal": signal})
    handle = TxtHandle.of(await cloudns.find_zone(NAME), NAME, "value-1")
    vendor.late = 1

    await asyncio.gather(*(cloudns.wait_applied([handle], 10) for _ in range(20)))

    assert vendor.methods.count("update-status") <= 4


async def test_servers_that_stay_behind_are_named_and_no_longer_waited_for(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    handle = TxtHandle.of(await cloudns.find_zone(NAME), NAME, "value-1")
    vendor.late = 1000
    said: list[str] = []

    async def tell(text: str) -> None:
        said.append(text)

    with patience(10, tell):
        await cloudns.wait_applied([handle], 0.2)

    assert len(said) == 1
    assert "pns1.vendor.test, pns2.vendor.test" in said[0]


async def test_a_user_who_may_not_ask_for_it_goes_on_without(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    handle = TxtHandle.of(await cloudns.find_zone(NAME), NAME, "value-1")
    vendor.refuse["update-status"] = "You don't have permission to do that."
    said: list[str] = []

    async def tell(text: str) -> None:
        said.append(text)

    with patience(10, tell):
        await cloudns.wait_applied([handle], 5)

    assert len(said) == 1
    assert "does not say which servers" in said[0]


# --- the test of an account -----------------------------------------------------------------------


async def lines_of(cloudns: DnsProvider, *names: str) -> list[tuple[bool | None, str]]:
    return [(line.ok, line.text) for line in (await cloudns.check(names)).lines]


async def test_a_good_account_is_shown_with_its_zones_and_its_right(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.add_zone("example.net")
    vendor.kinds["example.net"] = "slave"

    lines = await lines_of(cloudns, ZONE, f"*.{ZONE}", f"www.{ZONE}")

    assert lines == [
        (True, "ClouDNS accepts the API user"),
        (True, f"zones: {ZONE}, example.net"),
        (None, "example.net is a slave zone: its records are changed at its primary server"),
        (True, f"TXT records in zone {ZONE} can be made and removed"),
    ]
    assert not vendor.zones[0].values


async def test_a_wrong_password_is_told_without_it(vendor: FakeCloudns, opened: Opening) -> None:
    lines = await lines_of(opened({"auth_password": f"{PASSWORD}x"}), ZONE)

    assert lines[0][0] is False
    assert "password is not accepted" in lines[0][1]
    assert not any(PASSWORD in text for _, text in lines)


async def test_a_user_who_may_only_read_is_told(vendor: FakeCloudns, cloudns: DnsProvider) -> None:
    vendor.add_zone(ZONE)
    vendor.refuse["add-record"] = "You don't have access to this zone."

    lines = await lines_of(cloudns, ZONE)

    assert [ok for ok, _ in lines] == [True, True, False, None]


async def test_an_account_that_cannot_list_its_zones_is_tried_with_the_name(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.refuse["list-zones"] = "You don't have permission to do that."

    lines = await lines_of(cloudns, ZONE)

    assert (None, "no zone can be listed") in lines
    assert lines[-1] == (True, f"TXT records in zone {ZONE} can be made and removed")


async def test_zones_beyond_the_first_are_counted(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    for number in range(13):
        vendor.add_zone(f"zone{number}.test")

    assert any(text.endswith("and 3 more") for _, text in await lines_of(cloudns))
