"""Route 53, with moto behind a proxy that is as strict as Amazon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from kmtui.core.dns.names import parse_name
from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import Surroundings, TxtHandle, Zone
from kmtui.core.dns.route53_changes import PAGE
from kmtui.core.errors import DnsProviderError
from tests.dns.cases import case
from tests.dns.contract import Contract
from tests.dns.fakes.route53 import FakeRoute53
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

CLIENTS = [f"_acme-challenge.host{number}.{ZONE}" for number in range(60)]


@pytest.fixture
def vendor() -> Iterator[FakeRoute53]:
    vendor = FakeRoute53()
    vendor.start()
    yield vendor
    vendor.stop()


class TestRoute53Contract(Contract):
    limit_says_when = False
    also = ("tests.dns.test_route53_login", "tests.dns.test_route53_signal")

    @pytest.fixture
    def vendor(self) -> Iterator[FakeRoute53]:
        vendor = FakeRoute53()
        vendor.start()
        yield vendor
        vendor.stop()


@pytest.fixture
def zone(vendor: FakeRoute53) -> Zone:
    return Zone(id=vendor.add_zone(ZONE), name=parse_name(ZONE))


# --- compare and swap -----------------------------------------------------------------------------


@case(5)
async def test_a_set_that_changed_since_it_was_read_is_read_again(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.put(NAME, ("theirs-1",), ttl=3600)
    vendor.before_write(lambda: vendor.put(NAME, ("theirs-2",)))

    await opened().add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("ours",), ("theirs-1",), ("theirs-2",)]
    assert vendor.ttl(NAME) == 3600
    assert vendor.writes == 2
    assert vendor.batches == [[("DELETE", NAME), ("CREATE", NAME)]]


@case(5)
async def test_who_creates_the_set_first_loses_nothing(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.before_write(lambda: vendor.put(NAME, ("theirs",)))

    await opened().add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("ours",), ("theirs",)]


@case(5)
async def test_a_set_that_others_removed_in_between_is_made_anew(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.put(NAME, ("theirs",))
    vendor.before_write(lambda: vendor.drop(NAME, ("theirs",)))

    await opened().add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("ours",)]


async def test_others_that_never_stop_are_told_as_a_conflict(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    numbers = iter(range(1000))
    vendor.before_write(lambda: vendor.put(NAME, (f"theirs-{next(numbers)}",)), times=1000)

    with patience(5), pytest.raises(DnsProviderError) as caught:
        await opened().add(zone, NAME, {"ours"}, 60)

    assert caught.value.kind == "conflict"
    assert NAME in caught.value.message
    assert caught.value.hint
    assert ("ours",) not in vendor.txt(NAME)


async def test_the_last_value_takes_the_set_with_it(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    route53 = opened()
    handles = await route53.add(zone, NAME, {"ours"}, 60)

    await route53.remove(handles)

    assert vendor.batches[-1] == [("DELETE", NAME)]
    assert vendor.txt(NAME) == []


async def test_what_is_there_or_gone_already_costs_no_write(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.put(NAME, ("ours",))
    route53 = opened()

    await route53.add(zone, NAME, {"ours"}, 60)
    await route53.remove([TxtHandle.of(zone, NAME, "not there")])

    assert vendor.writes == 0


@pytest.mark.parametrize("more", [{"SetIdentifier": "a", "Weight": "1"}])
async def test_a_set_with_a_routing_policy_is_left_alone(
    vendor: FakeRoute53, opened: Opening, zone: Zone, more: dict[str, str]
) -> None:
    vendor.put_set(NAME, ['"theirs"'], **more)

    with pytest.raises(DnsProviderError) as caught:
        await opened().add(zone, NAME, {"ours"}, 60)

    assert caught.value.kind == "unsupported"
    assert caught.value.hint
    assert vendor.writes == 0


async def test_a_stand_in_that_looks_at_former_changes_is_served_too(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    theirs = [{"Value": '"theirs"'}, {"Value": '"a" "b"'}]
    vendor.by_hand(zone.id, "CREATE", f"{NAME}.", 3600, theirs)
    route53 = opened(base_url=vendor.upstream)

    handles = await route53.add(await route53.find_zone(NAME), NAME, {"ours"}, 60)
    there = vendor.txt(NAME)
    await route53.remove(handles)
    report = await route53.check([ZONE])

    assert there == [("a", "b"), ("ours",), ("theirs",)]
    assert vendor.txt(NAME) == [("a", "b"), ("theirs",)]
    assert report.ok, report.lines


async def test_an_alias_in_the_way_is_told_at_once(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.put_set(NAME, ["elsewhere.example.net."], type_="CNAME")

    with pytest.raises(DnsProviderError) as caught:
        await opened().add(zone, NAME, {"ours"}, 60)

    assert caught.value.kind == "conflict"
    assert "alias" in caught.value.message
    assert vendor.writes == 1


async def test_a_change_that_was_sent_is_awaited_when_its_task_is_cancelled(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    route53 = opened()
    await route53.add(zone, NAME, {"warm"}, 60)
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()
    vendor.before_write(lambda: loop.call_soon_threadsafe(arrived.set))
    adding = asyncio.create_task(route53.add(zone, NAME, {"ours"}, 60))
    await arrived.wait()

    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    assert vendor.txt(NAME) == [("ours",), ("warm",)]
    await route53.remove([TxtHandle.of(zone, NAME, "ours")])
    assert vendor.txt(NAME) == [("warm",)]


# --- names together -------------------------------------------------------------------------------


async def test_names_that_wait_together_are_read_and_written_together(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    route53 = opened()

    added = await asyncio.gather(*(route53.add(zone, name, {"ours"}, 60) for name in CLIENTS))
    there = [vendor.txt(name) for name in CLIENTS]
    await route53.remove([handle for handles in added for handle in handles])

    assert there == [[("ours",)]] * len(CLIENTS)
    assert [vendor.txt(name) for name in CLIENTS] == [[]] * len(CLIENTS)
    assert len(vendor.calls) <= 8
    assert vendor.writes <= 4


async def test_only_the_names_that_changed_meanwhile_are_read_by_themselves(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    route53 = opened()
    await route53.add(zone, NAME, {"ours"}, 60)
    vendor.before_write(lambda: vendor.put(CLIENTS[3], ("theirs",)))
    before = len(vendor.calls)

    await asyncio.gather(*(route53.add(zone, name, {"ours"}, 60) for name in CLIENTS))

    assert vendor.txt(CLIENTS[3]) == [("ours",), ("theirs",)]
    assert [vendor.txt(name) for name in CLIENTS].count([("ours",)]) == len(CLIENTS) - 1
    assert len(vendor.calls) - before <= 5


async def test_names_between_many_others_are_found_page_by_page(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    for number in range(3 * PAGE):
        vendor.put_set(f"host{number}.{ZONE}", ["192.0.2.1"], type_="A")
    for name in CLIENTS[::2]:
        vendor.put(name, ("theirs",))
    route53 = opened()

    added = await asyncio.gather(*(route53.add(zone, name, {"ours"}, 60) for name in CLIENTS))
    there = [vendor.txt(name) for name in CLIENTS]
    await route53.remove([handle for handles in added for handle in handles])

    assert there == [[("ours",), ("theirs",)], [("ours",)]] * (len(CLIENTS) // 2)
    assert [vendor.txt(name) for name in CLIENTS] == [[("theirs",)], []] * (len(CLIENTS) // 2)
    assert len(vendor.calls) <= 24


async def test_names_that_may_be_sorted_otherwise_are_not_missed(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    names = [f"_acme-challenge.{label}.{ZONE}" for label in ("a", "a-b", "a.b", "a-", "a--b", "b")]
    for name in names:
        vendor.put(name, ("ours",))
        for number in range(PAGE):
            vendor.put_set(f"x{number}.{name}", ["192.0.2.1"], type_="A")

    await opened().remove([TxtHandle.of(zone, name, "ours") for name in names])

    assert [vendor.txt(name) for name in names] == [[]] * len(names)


async def test_a_name_that_is_refused_fails_alone(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    vendor.denied_names = {CLIENTS[3]}
    route53 = opened()

    results = await asyncio.gather(
        *(route53.add(zone, name, {"ours"}, 60) for name in CLIENTS[:6]), return_exceptions=True
    )

    failed = [result for result in results if isinstance(result, DnsProviderError)]
    assert [error.kind for error in failed] == ["permission"]
    assert [vendor.txt(name) for name in CLIENTS[:6]] == [
        [] if name == CLIENTS[3] else [("ours",)] for name in CLIENTS[:6]
    ]


async def test_one_name_from_many_tasks_keeps_every_value(
    vendor: FakeRoute53, opened: Opening, zone: Zone
) -> None:
    route53 = opened()
    values = [f"v{number:02}" for number in range(30)]

    await asyncio.gather(*(route53.add(zone, NAME, {value}, 60) for value in values))
    assert vendor.txt(NAME) == [(value,) for value in values]
    await asyncio.gather(
        *(route53.remove([TxtHandle.of(zone, NAME, value)]) for value in values[:15]),
        *(route53.add(zone, NAME, {f"w{value}"}, 60) for value in values[15:]),
    )

    left = [*values[15:], *(f"w{value}" for value in values[15:])]
    assert vendor.txt(NAME) == [(value,) for value in left]


async def test_calls_keep_the_pace(vendor: FakeRoute53, opened: Opening, zone: Zone) -> None:
    route53 = opened.around(Surroundings(), collaborators={"pace": Pace(20)})
    started = asyncio.get_running_loop().time()

    for number in range(5):
        await route53.add(zone, CLIENTS[number], {"ours"}, 60)

    assert len(vendor.calls) == 10
    assert asyncio.get_running_loop().time() - started >= 9 / 20
