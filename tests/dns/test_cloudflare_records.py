"""Records at Cloudflare: those of others stay, and ours are known however they are written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kmtui.core.dns.provider import TxtHandle
from tests.dns.cases import case
from tests.dns.fakes.cloudflare import FakeCloudflare
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE


@pytest.fixture
def vendor() -> Iterator[FakeCloudflare]:
    vendor = FakeCloudflare()
    vendor.start()
    yield vendor
    vendor.stop()


async def test_a_record_is_quoted_and_says_who_made_it(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()

    handles = await cloudflare.add(await cloudflare.find_zone(NAME), NAME, {"value-1"}, 60)

    (value,) = vendor.values(NAME)
    assert value.text == '"value-1"'
    assert vendor.comments[value.id] == "kmtui"
    assert [handle.record_id for handle in handles] == [value.id]


@case(20)
@pytest.mark.parametrize("content", ['"value-1"', "value-1", '"val" "ue-1"'])
async def test_a_value_is_known_again_however_it_is_written(
    vendor: FakeCloudflare, opened: Opening, content: str
) -> None:
    vendor.add_zone(ZONE)
    vendor.put_as(NAME, content)
    vendor.put_as(NAME, '"value-1 too"')
    cloudflare = opened()
    zone = await cloudflare.find_zone(NAME)
    writes = vendor.writes

    handles = await cloudflare.add(zone, NAME, {"value-1"}, 60)
    assert vendor.writes == writes
    assert [handle.record_id for handle in handles] == [vendor.values(NAME)[0].id]
    await cloudflare.remove(handles)

    assert vendor.txt(NAME) == [("value-1 too",)]


async def test_a_value_joins_a_set_with_the_sets_own_ttl(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.put(NAME, ("foreign",), ttl=1)
    cloudflare = opened()

    await cloudflare.add(await cloudflare.find_zone(NAME), NAME, {"value-1"}, 60)

    assert {value.ttl for value in vendor.values(NAME)} == {1}


@pytest.mark.parametrize(("wanted", "sent"), [(10, 60), (300, 300), (604800, 86400)])
async def test_a_ttl_is_what_cloudflare_allows(
    vendor: FakeCloudflare, opened: Opening, wanted: int, sent: int
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()

    await cloudflare.add(await cloudflare.find_zone(NAME), NAME, {"value-1"}, wanted)

    assert vendor.ttl(NAME) == sent


async def test_a_record_that_got_another_value_since_is_not_removed(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    handles = await cloudflare.add(await cloudflare.find_zone(NAME), NAME, {"value-1"}, 60)
    (record,) = vendor.values(NAME)
    record.strings, record.text = ("theirs",), '"theirs"'

    await cloudflare.remove(handles)

    assert vendor.txt(NAME) == [("theirs",)]


async def test_a_record_that_others_remove_first_is_a_success(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    handles = await cloudflare.add(await cloudflare.find_zone(NAME), NAME, {"value-1"}, 60)

    vendor.before_write(lambda: vendor.drop(NAME, ("value-1",)))
    await cloudflare.remove(handles)

    assert vendor.txt(NAME) == []


async def test_one_look_at_each_name_removes_all_its_values(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    zone = await cloudflare.find_zone(NAME)
    handles: list[TxtHandle] = []
    for name in (NAME, f"_acme-challenge.www.{ZONE}"):
        handles += await cloudflare.add(zone, name, {"value-1", "value-2"}, 60)
    calls = len(vendor.calls)

    await cloudflare.remove(handles[::2] + handles[1::2])

    looks = [call for call in vendor.calls[calls:] if call.startswith("GET")]
    assert len(looks) == 2
    assert not vendor.zones[0].values


async def test_a_value_among_many_is_found_on_a_later_page(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.put(NAME, ("value-1",))
    for number in range(150):
        vendor.put(NAME, (f"foreign-{number}",))
    cloudflare = opened()
    zone = await cloudflare.find_zone(NAME)

    await cloudflare.remove([TxtHandle.of(zone, NAME, "value-1")])

    assert len(vendor.txt(NAME)) == 150
    assert ("value-1",) not in vendor.txt(NAME)
