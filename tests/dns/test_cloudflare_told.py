"""What an operator is told about Cloudflare: each refusal, and the test of an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import DnsProvider
from kmtui.core.errors import DnsProviderError
from tests.dns.fakes.cloudflare import (
    ACCOUNT,
    EMAIL,
    KEY,
    TOKEN,
    ZONE_TOKEN,
    FakeCloudflare,
    Refusal,
)
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

HEADERS = "Invalid request headers"


@pytest.fixture
def vendor() -> Iterator[FakeCloudflare]:
    vendor = FakeCloudflare()
    vendor.start()
    yield vendor
    vendor.stop()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "kind", "code", "words"),
    [
        (Refusal(400, 6003, HEADERS), "auth", "6003", "credential is malformed"),
        (Refusal(400, 6003, HEADERS, (6111, "Bad")), "auth", "6111", "token is malformed"),
        (Refusal(400, 6003, HEADERS, (6102, "Bad")), "auth", "6102", "e-mail address is malformed"),
        (Refusal(400, 6003, HEADERS, (6103, "Bad")), "auth", "6103", "key is malformed"),
        (Refusal(403, 9109, "Cannot use it from 192.0.2.9"), "auth", "9109", "from 192.0.2.9"),
        (Refusal(401, 9109, "Invalid access token"), "auth", "9109", "this host's address"),
        (Refusal(403, 9103, "Unknown X-Auth-Key"), "auth", "9103", "global key is wrong"),
        (Refusal(401, 1000, "Invalid API Token"), "auth", "1000", "token is invalid"),
        (Refusal(401, 10000, "Authentication error"), "permission", "10000", "no right"),
        (Refusal(403, 10000, "Authentication error"), "permission", "10000", "no right"),
        (Refusal(403, 1009, "Unauthorized"), "permission", "1009", "may not change records"),
        (Refusal(400, 7003, "Could not route"), "zone_not_found", "7003", "no zone has this id"),
        (Refusal(400, 1004, "Validation", (9021, "TTL")), "invalid_request", "9021", "this TTL"),
        (Refusal(400, 81053, "A CNAME exists"), "conflict", "81053", "alias (CNAME)"),
        (Refusal(400, 81045, "Quota"), "quota", "81045", "as its plan allows"),
        (Refusal(401, 4711, "New"), "auth", "4711", "not accepted (New)"),
        (Refusal(403, 4711, "New"), "permission", "4711", "no right to this (New)"),
        (Refusal(400, 4711, "New"), "invalid_request", "4711", "refused (New)"),
        (Refusal(400, 4711, ""), "invalid_request", "4711", "refused (HTTP 400)"),
        (Refusal(400, 4711, "x" * 9999), "invalid_request", "4711", "x" * 300),
    ],
)
async def test_each_refusal_is_told_with_its_next_step(
    vendor: FakeCloudflare, opened: Opening, refusal: Refusal, kind: str, code: str, words: str
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    zone = await cloudflare.find_zone(NAME)
    vendor.refuse_next = refusal

    with pytest.raises(DnsProviderError) as caught:
        await cloudflare.add(zone, NAME, {"value-1"}, 60)

    error = caught.value
    assert (error.kind, error.raw_code) == (kind, code)
    assert words in error.message
    assert len(error.message) < 500
    assert error.hint
    assert error.vendor_request_id == "8a0000000000canary-FRA"


async def test_a_name_that_is_an_alias_is_told(vendor: FakeCloudflare, opened: Opening) -> None:
    vendor.add_zone(ZONE)
    vendor.aliases.add(NAME)
    cloudflare = opened()

    with pytest.raises(DnsProviderError) as caught:
        await cloudflare.add(await cloudflare.find_zone(NAME), NAME, {"value-1"}, 60)

    assert caught.value.kind == "conflict"
    assert "CNAME" in caught.value.hint


async def test_a_block_of_minutes_is_told_with_its_end(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    vendor.too_fast(times=9, seconds=280)

    for _ in range(3):
        with patience(30), pytest.raises(DnsProviderError) as caught:
            await cloudflare.find_zone(NAME)

        assert caught.value.kind == "rate_limited"
        assert caught.value.retry_after == pytest.approx(280, abs=2)
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("place", ["page of a proxy", "redirect"])
async def test_what_is_not_cloudflares_interface_is_told(
    vendor: FakeCloudflare, opened: Opening, place: str
) -> None:
    vendor.add_zone(ZONE)
    vendor.astray = place

    with pytest.raises(DnsProviderError) as caught:
        await opened({"api_key": KEY}, email=EMAIL).find_zone(NAME)

    assert caught.value.kind == "transient"
    assert "unreadable" in caught.value.message
    assert "proxy" in caught.value.hint
    assert len(vendor.calls) == 1, "no credential goes where a redirect leads"


async def test_a_vendor_that_cannot_be_reached_is_told(opened: Opening) -> None:
    with patience(0.3), pytest.raises(DnsProviderError) as caught:
        await opened(base_url="http://127.0.0.1:1").find_zone(NAME)

    assert caught.value.kind == "transient"
    assert "cannot be reached" in caught.value.message
    assert "proxy" in caught.value.hint


async def test_a_reply_that_does_not_come_is_given_up_in_time(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    await cloudflare.find_zone(NAME)  # The SDK is imported now.
    vendor.delay = 5

    with patience(0.4), pytest.raises(DnsProviderError) as caught:
        await cloudflare.find_zone("_acme-challenge.example.net")

    assert "no answer in time" in caught.value.message


# --- the test of an account -----------------------------------------------------------------------


async def lines_of(cloudflare: DnsProvider, *names: str) -> list[tuple[bool | None, str]]:
    return [(line.ok, line.text) for line in (await cloudflare.check(names)).lines]


async def test_a_good_account_is_shown_with_its_zones_and_its_right(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    zone_id = vendor.add_zone(ZONE)

    lines = await lines_of(opened(), ZONE, f"*.{ZONE}", f"www.{ZONE}")

    assert lines == [
        (True, "the token is active"),
        (True, f"zones: {ZONE} ({zone_id})"),
        (True, f"TXT records in zone {ZONE} can be made and removed"),
    ]
    assert not vendor.zones[0].values


@pytest.mark.parametrize("status", ["disabled", "expired"])
async def test_a_token_that_is_off_is_told(
    vendor: FakeCloudflare, opened: Opening, status: str
) -> None:
    vendor.add_zone(ZONE)
    vendor.token_status = status

    assert (False, f"the token is {status}") in await lines_of(opened())


async def test_a_token_of_an_account_is_verified_there(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.owner = "account"

    assert (True, "the token is active") in await lines_of(opened())
    assert f"GET /client/v4/accounts/{ACCOUNT}/tokens/verify" in vendor.calls


async def test_a_token_that_cannot_be_verified_is_not_bad_for_that(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.owner = "nobody"

    assert (await opened().check([ZONE])).ok


async def test_a_wrong_token_beside_a_good_zone_token_is_told(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    wrong = TOKEN.replace("canary", "wrong0")

    lines = await lines_of(opened({"api_token": wrong, "zone_token": ZONE_TOKEN}))

    assert (
        False,
        "Cloudflare: the token is invalid, or not valid from this host's address "
        "(Invalid access token)",
    ) in lines


async def test_the_global_key_is_advised_against(vendor: FakeCloudflare, opened: Opening) -> None:
    vendor.add_zone(ZONE)

    report = await opened({"api_key": KEY}, email=EMAIL).check([ZONE])

    assert report.ok
    assert "token is safer" in report.lines[0].text


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ({"status": "pending"}, "not delegated"),
        ({"status": "moved"}, "moved away"),
        ({"type": "partial", "name_servers": None}, "CNAME"),
        ({"type": "secondary"}, "primary"),
        ({"permissions": ["#zone:read"]}, "DNS:Edit"),
    ],
)
async def test_what_is_odd_about_a_zone_is_said(
    vendor: FakeCloudflare, opened: Opening, member: dict[str, Any], words: str
) -> None:
    vendor.odd[vendor.add_zone(ZONE)] = member

    report = await opened().check()

    assert report.ok
    assert any(line.ok is None and words in line.text for line in report.lines)


async def test_a_token_without_zones_is_told(vendor: FakeCloudflare, opened: Opening) -> None:
    report = await opened().check()

    assert not report.ok
    assert "zone_id" in report.lines[-1].text


async def test_a_token_that_may_only_read_is_told(vendor: FakeCloudflare, opened: Opening) -> None:
    vendor.add_zone(ZONE)
    vendor.may_edit = False

    report = await opened().check([ZONE])

    assert not report.ok
    assert "DNS:Edit" in report.lines[-1].text


async def test_zones_beyond_the_first_are_counted(vendor: FakeCloudflare, opened: Opening) -> None:
    for number in range(13):
        vendor.add_zone(f"zone{number}.test")

    assert any(text.endswith("and 3 more") for _, text in await lines_of(opened()))


async def test_what_is_wrong_with_a_name_is_a_line(vendor: FakeCloudflare, opened: Opening) -> None:
    vendor.add_zone(ZONE)

    lines = await lines_of(opened(), "example.net", "a..b")

    failures = [text for ok, text in lines if ok is False]
    assert len(failures) == 2
    assert "example.net" in failures[0]
    assert "not a domain name" in failures[1]
