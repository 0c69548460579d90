"""GoDaddy: a vendor without any guard, with restrictions that look like something else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

import pytest
from aiohttp import web

from kmtui.core.dns import registry
from kmtui.core.dns.gated import GatedProvider
from kmtui.core.dns.godaddy import GoDaddy
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import NOTHING_AROUND, TxtHandle
from tests.dns.asking import Listener, after_next_change, refused
from tests.dns.cases import case
from tests.dns.contract import Contract
from tests.dns.fake import Value
from tests.dns.fakes.godaddy import FakeGoDaddy, busy_replies
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE


@pytest.fixture
def vendor() -> Iterator[FakeGoDaddy]:
    vendor = FakeGoDaddy()
    vendor.start()
    vendor.add_zone(ZONE)
    yield vendor
    vendor.stop()


@pytest.fixture
def godaddy(opened: Opening) -> GoDaddy:
    return opened.around(NOTHING_AROUND, collaborators={"settle_seconds": 0.01})


class TestGoDaddyContract(Contract):
    cannot: ClassVar[dict[int, str]] = {13: "an account holds a domain once"}
    also = ("tests.dns.test_godaddy_account",)
    guards_removal = False

    @pytest.fixture
    def vendor(self) -> Iterator[FakeGoDaddy]:
        vendor = FakeGoDaddy()
        vendor.start()
        yield vendor
        vendor.stop()


# --- other programs write, too --------------------------------------------------------------------


@case(6)
async def test_a_value_of_ours_that_a_stale_write_replaced_is_added_again(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.put(NAME, ("foreign",))
    stale = vendor.values(NAME)
    zone = await godaddy.find_zone(NAME)
    after_next_change(vendor, lambda: vendor.change(NAME, stale))

    await godaddy.add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("foreign",), ("ours",)]


@case(6)
async def test_a_value_of_others_that_vanished_is_added_again_and_told(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.put(NAME, ("a", "b"), ttl=3600)
    zone = await godaddy.find_zone(NAME)
    vendor.before_write(lambda: vendor.drop(NAME, ("a", "b")))
    listener = Listener()

    with patience(10, listener):
        await godaddy.add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("a", "b"), ("ours",)]
    assert {value.ttl for value in vendor.values(NAME)} == {3600}
    assert [text for text in listener.said if "'ab'" in text and "added again" in text]
    assert len(listener.said) == 1


@case(6)
async def test_a_value_of_others_that_vanishes_while_ours_is_removed_is_added_again(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.put(NAME, ("foreign",), ttl=7200)
    zone = await godaddy.find_zone(NAME)
    handles = await godaddy.add(zone, NAME, {"ours"}, 60)
    after_next_change(vendor, lambda: vendor.drop(NAME, ("foreign",)))
    listener = Listener()

    with patience(10, listener):
        await godaddy.remove(handles)

    assert vendor.txt(NAME) == [("foreign",)]
    assert vendor.ttl(NAME) == 7200
    assert len(listener.said) == 1


@case(6)
async def test_a_value_that_a_stale_write_brought_back_is_removed_again(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.put(NAME, ("foreign",))
    zone = await godaddy.find_zone(NAME)
    handles = await godaddy.add(zone, NAME, {"ours"}, 60)
    stale = vendor.values(NAME)
    after_next_change(vendor, lambda: vendor.change(NAME, stale))

    await godaddy.remove(handles)

    assert vendor.txt(NAME) == [("foreign",)]


@case(6)
async def test_programs_that_undo_every_write_are_told(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    turns = iter(range(1000))

    def replace(name: str, values: list[Value]) -> None:
        vendor.on_change = None
        vendor.change(name, [Value("1", (f"theirs-{next(turns)}",), 600)])
        vendor.on_change = replace

    vendor.on_change = replace

    error = await refused(godaddy.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "conflict"
    assert "other programs" in error.message
    assert vendor.writes <= 5


async def test_undisturbed_nothing_is_told_and_little_is_asked(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.put(NAME, ("foreign",))
    zone = await godaddy.find_zone(NAME)
    listener = Listener()
    calls = len(vendor.calls)

    with patience(10, listener):
        handles = await godaddy.add(zone, NAME, {"one", "two"}, 60)
        await godaddy.remove(handles)

    place = f"/v1/domains/{ZONE}/records"
    at_name = f"{place}/TXT/_acme-challenge"
    assert vendor.calls[calls:] == [
        *(f"GET {at_name}", f"PATCH {place}", f"GET {at_name}"),
        *(f"GET {at_name}", f"PUT {at_name}", f"GET {at_name}"),
    ]
    assert listener.said == []


async def test_a_duplicate_among_several_does_not_keep_the_others_out(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.before_write(lambda: vendor.put(NAME, ("one",), ttl=600))

    await godaddy.add(zone, NAME, {"one", "two"}, 60)

    assert vendor.txt(NAME) == [("one",), ("two",)]


async def test_names_of_one_zone_are_written_one_at_a_time(vendor: FakeGoDaddy) -> None:
    vendor.delay = 0.01
    gated = GatedProvider(registry.open_provider("godaddy", vendor.settings, vendor.secrets))
    zone = await gated.find_zone(NAME)

    await asyncio.gather(*(gated.add(zone, f"{label}.{ZONE}", {"v"}, 60) for label in "abcd"))

    assert vendor.most_writes_at_once == 1
    await gated.aclose()


@pytest.mark.parametrize("reply", [0, 1], ids=["409", "422"])
async def test_a_zone_that_is_being_changed_is_waited_for(
    vendor: FakeGoDaddy, godaddy: GoDaddy, reply: int
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.busy = [busy_replies()[reply]]

    await godaddy.add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("ours",)]


async def test_a_zone_that_stays_busy_is_told_as_passing(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.busy = [reply for _ in range(9) for reply in busy_replies()]

    error = await refused(godaddy.add(zone, NAME, {"ours"}, 60), seconds=0.4)

    assert error.kind == "transient"
    assert "another change of the zone" in error.message
    assert error.vendor_request_id.startswith("godaddy-")


# --- odd replies ----------------------------------------------------------------------------------


@case(22)
async def test_the_last_value_is_deleted_because_an_empty_put_does_nothing(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    handles = await godaddy.add(zone, NAME, {"ours"}, 60)

    await godaddy.remove(handles)

    assert vendor.txt(NAME) == []
    assert vendor.bodies[-1] is None


@case(22)
async def test_records_of_others_are_written_back_with_all_they_have(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.extra = {"service": "unknown", "weight": 0}
    vendor.put(NAME, ("a", "b"), ttl=3600)
    zone = await godaddy.find_zone(NAME)
    handles = await godaddy.add(zone, NAME, {"ours"}, 60)

    await godaddy.remove(handles)

    assert vendor.bodies[-1] == [
        {"type": "TXT", "name": "_acme-challenge", "data": '"a" "b"', "ttl": 3600, **vendor.extra}
    ]


@case(22)
@pytest.mark.parametrize("left", ["", " "])
async def test_empty_leftovers_are_dropped(
    vendor: FakeGoDaddy, godaddy: GoDaddy, left: str
) -> None:
    vendor.put(NAME, ("foreign",))
    vendor.put(NAME, (left,))
    zone = await godaddy.find_zone(NAME)
    handles = await godaddy.add(zone, NAME, {"ours"}, 60)

    await godaddy.remove(handles)

    assert vendor.txt(NAME) == [("foreign",)]


@case(22)
async def test_our_value_is_found_quoted(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.change(NAME, [Value("1", ("ours",), 600, '"ours"')])

    handles = await godaddy.add(zone, NAME, {"ours"}, 60)
    assert vendor.bodies == []
    await godaddy.remove(handles)

    assert vendor.txt(NAME) == []


@case(22)
@pytest.mark.parametrize(
    "page",
    [
        web.Response(text="<html>sorry</html>", content_type="text/html"),
        web.json_response({"code": "OK"}),
        web.json_response([{"type": "TXT", "ttl": 600}]),
        web.json_response(["a"]),
    ],
    ids=["HTML", "object", "record without data", "words"],
)
async def test_what_is_no_list_of_records_is_never_written_back(
    vendor: FakeGoDaddy, godaddy: GoDaddy, monkeypatch: pytest.MonkeyPatch, page: web.Response
) -> None:
    zone = await godaddy.find_zone(NAME)

    async def odd(request: web.Request) -> web.Response:
        return web.Response(status=200, body=page.body, content_type=page.content_type)

    vendor.instead = odd

    error = await refused(godaddy.remove([TxtHandle.of(zone, NAME, "ours")]))

    assert error.kind == "transient"
    assert vendor.writes == 0


@case(22)
async def test_a_zone_that_is_gone_holds_nothing_to_remove(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.zones.clear()

    await godaddy.remove([TxtHandle.of(zone, NAME, "ours")])

    error = await refused(godaddy.add(zone, NAME, {"ours"}, 60))
    assert error.kind == "zone_not_found"


async def test_a_reply_that_may_be_cut_short_is_not_written_back(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.change(NAME, [Value(str(n), (f"v{n}",), 600) for n in range(101)])

    error = await refused(godaddy.remove([TxtHandle.of(zone, NAME, "v1")]))

    assert error.kind == "unsupported"
    assert len(vendor.txt(NAME)) == 101
    await godaddy.add(zone, NAME, {"ours"}, 60)
    assert ("ours",) in vendor.txt(NAME)
