"""DNS Made Easy accounts: signatures, clocks, the scrolling limit, the test of one, and forms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kmtui.core.clock import utc_now
from kmtui.core.dns import registry
from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.dnsmadeeasy import BASE_URLS, DnsMadeEasy
from kmtui.core.dns.dnsmadeeasy_errors import refusal
from kmtui.core.dns.dnsmadeeasy_session import DnsMadeEasySession
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import NOTHING_AROUND
from kmtui.core.dns.window import Window
from kmtui.core.errors import InvalidInput
from tests.dns.asking import Listener, refused
from tests.dns.cases import case
from tests.dns.fakes.dnsmadeeasy import KEY, SECRET, FakeDnsMadeEasy
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE


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


def with_window(opened: Opening, calls: int, seconds: float) -> DnsMadeEasy:
    return opened.around(NOTHING_AROUND, collaborators={"window": Window(calls, seconds)})


# --- signatures -----------------------------------------------------------------------------------


async def test_a_signature_is_that_of_the_vendors_scheme() -> None:
    """The value was computed apart from this code, with ``openssl dgst -sha1 -hmac``."""
    then = datetime(2015, 6, 2, 2, 36, 7, tzinfo=UTC)
    session = DnsMadeEasySession("http://127.0.0.1:1", "key", "secret", clock=lambda: then)

    signature = await session._signature()

    assert signature["x-dnsme-requestDate"] == "Tue, 02 Jun 2015 02:36:07 GMT"
    assert signature["x-dnsme-hmac"] == "bc138437cb232ec5eb959a47690c5913158058bb"


@case(21)
async def test_each_try_is_signed_anew(vendor: FakeDnsMadeEasy, opened: Opening) -> None:
    seconds = iter(range(30))
    dme = opened.around(
        NOTHING_AROUND,
        collaborators={
            "clock": lambda: utc_now() + timedelta(seconds=next(seconds)),
            "window": Window(150, 3.0),
        },
    )
    vendor.fail(times=1)
    vendor.too_fast(times=2)

    await dme.find_zone(NAME)

    assert len(vendor.calls) == 5
    assert len(set(vendor.dates)) == 5


@pytest.mark.parametrize(("minutes", "word"), [(10, "ahead of"), (-10, "behind")])
async def test_a_clock_that_is_off_is_told_instead_of_a_wrong_key(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy, minutes: int, word: str
) -> None:
    vendor.clock_ahead = timedelta(minutes=-minutes)

    error = await refused(dme.find_zone(NAME))

    assert error.kind == "clock_skew"
    assert f"{word} DNS Made Easy's" in error.message
    assert "NTP" in error.hint


async def test_a_clock_that_is_nearly_right_is_worth_a_line(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.clock_ahead = timedelta(seconds=12)

    report = await dme.check()

    assert report.ok
    assert any("clock differs by 1" in line.text for line in report.lines if line.ok is None)


@pytest.mark.parametrize(
    ("secrets", "part"),
    [
        ({"api_key": KEY, "api_secret": "wrong"}, "from one account"),
        ({"api_key": "wrong", "api_secret": SECRET}, "sandbox=yes"),
    ],
)
async def test_wrong_secrets_are_told_apart(
    opened: Opening, secrets: dict[str, str], part: str
) -> None:
    error = await refused(opened(secrets).find_zone(NAME))

    assert error.kind == "auth"
    assert part in error.hint


@pytest.mark.parametrize(
    ("status", "body", "kind", "part"),
    [
        (403, b'{"error":["Missing API key or HMAC"]}', "auth", "proxy"),
        (403, b'{"error":"Forbidden"}', "auth", "Business plan"),
        (401, b"", "auth", "api_key"),
        (404, b"<html></html>", "zone_not_found", "account"),
        (400, b'{"error":["TTL","name"]}', "invalid_request", "request id"),
        (418, b'{"error":{"odd":1}}', "invalid_request", "request id"),
    ],
)
def test_each_refusal_has_its_meaning_and_the_next_step(
    status: int, body: bytes, kind: str, part: str
) -> None:
    reply = Reply(status, {"date": "no date"}, body)

    error = refusal(Api("DNS Made Easy", "http://127.0.0.1:1"), reply, utc_now())

    assert error.kind == kind
    assert part in error.hint
    assert error.message.startswith("DNS Made Easy: ")


# --- the limit ------------------------------------------------------------------------------------


@case(21)
async def test_many_names_stay_within_the_window(vendor: FakeDnsMadeEasy, opened: Opening) -> None:
    vendor.limit, vendor.window = 70, 0.5
    dme = with_window(opened, 70, 1.0)
    names = [f"_acme-challenge.host{number}.{ZONE}" for number in range(60)]
    zone = await dme.find_zone(names[0])

    with patience(30):
        await asyncio.gather(*(dme.add(zone, name, {"ours"}, 60) for name in names))

    assert all(vendor.txt(name) == [("ours",)] for name in names)
    # On a busy machine calls arrive in a crowd; a refusal is waited for, never met with haste.
    assert vendor.refused <= len(names)


@case(21)
async def test_what_others_used_up_is_waited_for(vendor: FakeDnsMadeEasy, opened: Opening) -> None:
    dme = with_window(opened, 10, 22.0)
    zone = await dme.find_zone(NAME)
    listener = Listener()
    vendor.others = 147  # With our two calls, one is left.

    async def others_stop() -> None:
        await asyncio.sleep(0.5)
        vendor.others = 0

    with patience(60, listener):
        stopping = asyncio.create_task(others_stop())
        await dme.add(zone, NAME, {"ours"}, 60)
        await stopping

    assert vendor.txt(NAME) == [("ours",)]
    assert vendor.refused == 0, "the reply before said that none was left"
    assert [text for text in listener.said if text.startswith("waiting 2 s")]


@case(21)
async def test_a_refusal_is_tried_again_later_each_time(
    vendor: FakeDnsMadeEasy, opened: Opening
) -> None:
    dme = with_window(opened, 150, 15.0)
    vendor.too_fast(times=3)
    started = asyncio.get_running_loop().time()

    await dme.find_zone(NAME)

    assert asyncio.get_running_loop().time() - started >= 0.1 + 0.2 + 0.4


@case(21)
async def test_a_caller_in_a_hurry_is_told_when_to_come_back(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.others = 1000

    error = await refused(dme.find_zone(NAME), seconds=1)

    assert error.kind == "rate_limited"
    assert error.retry_after == pytest.approx(2, abs=0.5)
    assert vendor.refused == 1


async def test_the_words_of_a_refused_record_are_no_limit(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.others = 147
    zone = await dme.find_zone(NAME)
    vendor.others, vendor.refusal = 146, "Record name is invalid"

    error = await refused(dme.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "invalid_request"
    assert vendor.writes == 1


# --- the test of an account -----------------------------------------------------------------------


async def test_an_account_shows_its_zones(vendor: FakeDnsMadeEasy, dme: DnsMadeEasy) -> None:
    for number in range(12):
        vendor.add_zone(f"z{number}.test")

    report = await dme.check()

    assert [line.ok for line in report.lines] == [True]
    assert report.lines[0].text.startswith(f"DNS Made Easy accepts the key; zones: {ZONE}, z0.test")
    assert report.lines[0].text.endswith("and 3 more")


async def test_the_zones_of_an_account_are_looked_for_and_not_written(
    vendor: FakeDnsMadeEasy, opened: Opening
) -> None:
    vendor.more = {"pendingActionId": 7}

    report = await opened(zones=f"{ZONE}, example.net").check([ZONE, "example.net"])

    lines = [(line.ok, line.text) for line in report.lines[1:]]
    served = "served by ns1.vendor.test, ns2.vendor.test"
    assert lines[0] == (True, f"zone {ZONE} is in the account, {served}")
    assert lines[1] == (None, f"DNS Made Easy is still changing zone {ZONE}")
    assert lines[2][0] is False
    assert "example.net" in lines[2][1]
    assert vendor.writes == 0


async def test_a_name_is_tried_with_a_record_that_is_taken_away(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    report = await dme.check([f"*.{ZONE}"])

    assert report.ok
    assert vendor.writes == 2
    assert vendor.zones[0].values == {}


async def test_a_right_that_is_missing_is_found_before_it_matters(
    vendor: FakeDnsMadeEasy, dme: DnsMadeEasy
) -> None:
    vendor.refusal = "No quota left for records"

    report = await dme.check([ZONE])

    assert not report.ok
    assert any("No quota left" in line.text for line in report.lines if line.ok is False)


async def test_a_wrong_key_ends_the_test(vendor: FakeDnsMadeEasy, opened: Opening) -> None:
    report = await opened({"api_key": KEY, "api_secret": "wrong"}).check([ZONE])

    assert [line.ok for line in report.lines] == [False, None]
    assert len(vendor.calls) == 1


# --- forms ----------------------------------------------------------------------------------------


async def test_the_sandbox_has_an_address_of_its_own(
    vendor: FakeDnsMadeEasy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "sandbox" in BASE_URLS["yes"]
    monkeypatch.setitem(BASE_URLS, "yes", vendor.base_url)
    monkeypatch.setitem(BASE_URLS, "no", "http://127.0.0.1:1")

    dme = registry.open_provider("dnsmadeeasy", {"sandbox": "yes"}, vendor.secrets)

    assert (await dme.find_zone(NAME)).text == ZONE
    await dme.aclose()


async def test_blanks_around_a_copied_key_do_not_matter(opened: Opening) -> None:
    dme = opened({"api_key": f" {KEY}\n", "api_secret": f"{SECRET} "})

    assert (await dme.find_zone(NAME)).text == ZONE


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({}, {"api_secret": "s"}, "api_key"),
        ({}, {"api_key": "k"}, "api_secret"),
        ({}, {"api_key": "k k", "api_secret": "s"}, "api_key"),
        ({}, {"api_key": "k", "api_secret": "s\u00e9"}, "api_secret"),
        ({"sandbox": "maybe"}, {"api_key": "k", "api_secret": "s"}, "sandbox"),
        ({"base_url": "http://api.example.org"}, {"api_key": "k", "api_secret": "s"}, "base_url"),
        ({"zones": "a..b"}, {"api_key": "k", "api_secret": "s"}, "zones"),
        ({"api_secret": "s"}, {"api_key": "k", "api_secret": "s"}, "api_secret"),
    ],
)
def test_what_cannot_work_names_its_field(
    settings: dict[str, str], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        registry.open_provider("dnsmadeeasy", settings, secrets)

    assert caught.value.field == field
