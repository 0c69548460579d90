"""Azure DNS: record sets are changed only while nobody else changes them, and what others put
there stays."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from kmtui.core.dns import azure_records
from kmtui.core.dns.provider import TxtHandle
from tests.dns.azure.account import NAME, ZONE, OpenAzure, publish, refused
from tests.dns.cases import case
from tests.dns.fakes.azure import FakeAzure

UNREADABLE = (
    "",
    "[]",
    "{}",
    '{"properties": 1}',
    '{"properties": {"TTL": "x", "TXTRecords": []}, "etag": "e"}',
    '{"properties": {"TTL": 60, "TXTRecords": [{"value": "x"}]}, "etag": "e"}',
    '{"properties": {"TTL": 60, "TXTRecords": []}}',
)


@case(4)
async def test_a_set_that_changed_since_it_was_read_is_read_again(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.put(NAME, ("others-1",))
    fake.before_write(lambda: fake.put(NAME, ("others-2",)), times=1)

    await publish(open_azure(), "ours")

    assert fake.txt(NAME) == [("others-1",), ("others-2",), ("ours",)]
    assert fake.writes == 2


@case(4)
async def test_a_set_that_somebody_else_creates_first_is_added_to(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.before_write(lambda: fake.put(NAME, ("others",)))

    await publish(open_azure(), "ours")

    assert fake.txt(NAME) == [("others",), ("ours",)]


@case(4)
async def test_a_value_added_while_ours_is_removed_stays(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    handles = await publish(azure, "ours")

    fake.before_write(lambda: fake.put(NAME, ("others",)))
    await azure.remove(handles)

    assert fake.txt(NAME) == [("others",)]


@case(4)
async def test_programs_that_share_no_lock_lose_nothing(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    programs = [open_azure() for _ in range(4)]
    fake.delay = 0.005

    handles = await asyncio.gather(
        *(publish(azure, f"value-{number}") for number, azure in enumerate(programs))
    )
    assert fake.txt(NAME) == [(f"value-{number}",) for number in range(4)]
    await asyncio.gather(*(azure.remove(own) for azure, own in zip(programs, handles, strict=True)))

    assert fake.txt(NAME) == []


async def test_a_set_that_never_rests_is_a_conflict(
    fake: FakeAzure, open_azure: OpenAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_records, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(azure_records, "LONGEST_PAUSE", 0.001)
    azure = open_azure()
    zone = await azure.find_zone(NAME)
    numbers = iter(range(100))

    fake.before_write(lambda: fake.put(NAME, (f"others-{next(numbers)}",)), times=100)
    error = await refused(azure.add(zone, NAME, {"ours"}, 60))

    assert (error.kind, error.raw_code) == ("conflict", "PreconditionFailed")
    assert fake.writes == 10
    assert ("ours",) not in fake.txt(NAME)


async def test_metadata_and_the_strings_of_others_stay(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    fake.put(NAME, ("a", "b"), ttl=7200)
    fake.metadata[NAME] = {"owner": "mail team"}

    handles = await publish(azure, "ours")
    assert fake.metadata[NAME] == {"owner": "mail team"}
    await azure.remove(handles)

    assert fake.txt(NAME) == [("a", "b")]
    assert fake.ttl(NAME) == 7200
    assert fake.metadata[NAME] == {"owner": "mail team"}


async def test_a_value_of_two_strings_is_recognised_as_ours(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    fake.put(NAME, ("ou", "rs"))

    handles = await publish(azure, "ours")
    assert fake.txt(NAME) == [("ou", "rs")]
    await azure.remove(handles)

    assert fake.txt(NAME) == []


async def test_a_record_set_without_records_gets_our_ttl(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.bare.add(NAME)

    await publish(open_azure(), "ours")

    assert (fake.txt(NAME), fake.ttl(NAME)) == ([("ours",)], 60)


@pytest.mark.parametrize("name", [ZONE, f"*.{ZONE}", f"_x.{ZONE}"])
async def test_any_name_of_a_zone_can_hold_a_value(
    fake: FakeAzure, open_azure: OpenAzure, name: str
) -> None:
    azure = open_azure()

    handles = await publish(azure, "ours", name=name)
    assert fake.txt(name) == [("ours",)]
    await azure.remove(handles)

    assert fake.txt(name) == []


@case(23)
async def test_a_role_on_one_record_set_is_enough_and_keeps_it(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    zone_id = fake.zones[0].id
    fake.denied |= {
        "microsoft.network/dnszones/read",
        "microsoft.network/dnszones/txt/delete",
    }
    azure = open_azure({"zone_id": f"{zone_id}/TXT/_acme-challenge"})

    handles = await publish(azure, "value-1", "value-2")
    assert fake.txt(NAME) == [("value-1",), ("value-2",)]
    await azure.remove(handles)

    assert fake.txt(NAME) == [("-",)]
    assert not [call for call in fake.calls if "/TXT/" not in call and "/oauth2/" not in call]


@case(23)
async def test_a_placeholder_gives_way_to_values_and_their_ttl(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure({"keep_record": "yes"})
    fake.put(NAME, ("-",), ttl=3600)

    handles = await publish(azure, "ours")
    assert (fake.txt(NAME), fake.ttl(NAME)) == ([("ours",)], 60)
    await azure.remove(handles)

    assert fake.txt(NAME) == [("-",)]


async def test_a_placeholder_of_others_stays(fake: FakeAzure, open_azure: OpenAzure) -> None:
    azure = open_azure({"keep_record": "no"})
    fake.put(NAME, ("-",), ttl=3600)

    handles = await publish(azure, "ours")
    assert (fake.txt(NAME), fake.ttl(NAME)) == ([("-",), ("ours",)], 3600)
    await azure.remove(handles)

    assert fake.txt(NAME) == [("-",)]


@pytest.mark.parametrize("obstacle", ["lock", "role"])
async def test_a_set_that_may_not_be_deleted_is_emptied(
    fake: FakeAzure, open_azure: OpenAzure, obstacle: str
) -> None:
    azure = open_azure()
    handles = await publish(azure, "ours")
    if obstacle == "lock":
        fake.locked.add("DELETE")
    else:
        fake.denied.add("microsoft.network/dnszones/txt/delete")

    await azure.remove(handles)

    assert fake.txt(NAME) == [("-",)]


async def test_a_set_that_must_go_and_may_not_be_deleted_is_an_error(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure({"keep_record": "no"})
    handles = await publish(azure, "ours")
    fake.locked.add("DELETE")

    error = await refused(azure.remove(handles))

    assert (error.kind, error.raw_code) == ("permission", "ScopeLocked")
    assert "keep_record" in error.hint
    assert fake.txt(NAME) == [("ours",)]


@case(8)
async def test_values_of_a_zone_that_is_gone_count_as_removed(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    handles = await publish(azure, "ours")
    fake.zones.clear()

    await azure.remove(handles)


async def test_a_zone_that_is_gone_cannot_be_added_to(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    zone = await azure.find_zone(NAME)
    fake.zones.clear()

    error = await refused(azure.add(zone, NAME, {"ours"}, 60))

    assert (error.kind, error.raw_code) == ("zone_not_found", "ParentResourceNotFound")


async def test_a_handle_that_names_no_zone_of_azure_makes_no_call(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    handle = TxtHandle(zone_id="https://elsewhere.test/x", zone_name=ZONE, fqdn=NAME, value="ours")

    error = await refused(azure.remove([handle]))

    assert error.kind == "invalid_request"
    assert fake.calls == []


@case(22)
async def test_a_page_of_html_is_no_missing_record_set(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    handles = await publish(azure, "ours")
    fake.answers.append(web.Response(status=404, text="<html>Not Found</html>"))

    error = await refused(azure.remove(handles))

    assert error.kind == "transient"
    assert "404" in error.message
    assert fake.txt(NAME) == [("ours",)]


@case(22)
@pytest.mark.parametrize("body", UNREADABLE)
async def test_a_record_set_that_cannot_be_read_is_not_written(
    fake: FakeAzure, open_azure: OpenAzure, body: str
) -> None:
    azure = open_azure()
    zone = await azure.find_zone(NAME)
    fake.answers.append(web.Response(text=body))

    error = await refused(azure.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "transient"
    assert fake.writes == 0


@case(22)
async def test_a_write_answered_with_nothing_is_done(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.before_write(lambda: fake.answers.append(web.Response(status=200)))

    handles = await publish(open_azure(), "ours")

    assert [handle.value for handle in handles] == ["ours"]
