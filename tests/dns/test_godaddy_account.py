"""GoDaddy accounts: restrictions, zones, the test of an account, and forms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kmtui.core.dns import registry
from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.godaddy import CALLS_PER_MINUTE, GoDaddy
from kmtui.core.dns.godaddy_errors import refusal
from kmtui.core.dns.provider import NOTHING_AROUND, Report
from kmtui.core.errors import InvalidInput
from tests.dns.asking import refused
from tests.dns.cases import case
from tests.dns.fakes.godaddy import KEY, SECRET, FakeGoDaddy
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


def said(report: Report) -> list[tuple[bool | None, str]]:
    return [(line.ok, line.text) for line in report.lines]


# --- restrictions ---------------------------------------------------------------------------------


@case(23)
async def test_an_account_below_the_plans_limit_is_told_the_way_out(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.denied = {"GET", "PATCH", "PUT", "DELETE"}

    error = await refused(godaddy.find_zone(NAME))

    assert (error.kind, error.raw_code) == ("plan_restriction", "ACCESS_DENIED")
    assert "key is valid" in error.message
    assert "ten or more domains" in error.hint
    assert "CNAME" in error.hint
    assert error.vendor_request_id.startswith("godaddy-")


@case(23)
async def test_a_candidate_that_is_denied_does_not_end_the_search(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.denied_domains = {NAME, f"www.{NAME}"}

    assert (await godaddy.find_zone(f"www.{NAME}")).text == ZONE


@case(23)
async def test_reading_may_be_denied_where_writing_is_not(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.denied = {"GET"}

    error = await refused(godaddy.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "plan_restriction"
    assert vendor.writes == 0


@case(23)
async def test_where_adding_is_denied_the_set_is_replaced(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.put(NAME, ("a", "b"), ttl=3600)
    zone = await godaddy.find_zone(NAME)
    vendor.denied = {"PATCH"}

    await godaddy.add(zone, NAME, {"ours"}, 60)

    assert vendor.txt(NAME) == [("a", "b"), ("ours",)]
    assert vendor.ttl(NAME) == 3600


@case(23)
async def test_where_all_writing_is_denied_it_is_told(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.denied = {"PATCH", "PUT"}

    assert (await refused(godaddy.add(zone, NAME, {"ours"}, 60))).kind == "plan_restriction"


@case(23)
@pytest.mark.parametrize("stored", ["nothing", "empty"])
async def test_a_success_that_stores_nothing_is_domain_protection(
    vendor: FakeGoDaddy, godaddy: GoDaddy, stored: str
) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.protected = stored

    error = await refused(godaddy.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "permission"
    assert "Domain Protection" in error.message
    assert "Domain Protection" in error.hint


@case(23)
async def test_a_removal_that_changes_nothing_is_domain_protection(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    zone = await godaddy.find_zone(NAME)
    handles = await godaddy.add(zone, NAME, {"ours"}, 60)
    vendor.protected = "nothing"

    error = await refused(godaddy.remove(handles))

    assert "Domain Protection" in error.message


async def test_an_alias_at_the_name_is_told(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    zone = await godaddy.find_zone(NAME)
    vendor.aliases = {NAME}

    error = await refused(godaddy.add(zone, NAME, {"ours"}, 60))

    assert error.kind == "conflict"
    assert "CNAME" in error.message


async def test_a_monthly_quota_is_told_at_once(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    vendor.quota_used_up = True

    error = await refused(godaddy.find_zone(NAME))

    assert error.kind == "quota"
    assert len(vendor.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "part"),
    [
        (401, b'{"code":"MISSING_CREDENTIALS","message":"Unauthorized"}', "auth", "ote-godaddy"),
        (401, b'{"code":"MALFORMED_CREDENTIALS","message":"Bad"}', "auth", "api_secret"),
        (401, b"<html>no</html>", "auth", "api_key"),
        (403, b"", "permission", "production key"),
        (404, b'{"code":"UNKNOWN_DOMAIN","message":"not registered"}', "zone_not_found", "account"),
        (
            422,
            b'{"code":"INVALID_BODY","message":"see fields","fields":[{"code":"X",'
            b'"message":"must have a minimum value of 600","path":"records[0].ttl"}]}',
            "invalid_request",
            "600 to 604800",
        ),
        (418, b'{"code":["odd"],"message":{"a":1},"fields":"none"}', "invalid_request", "support"),
    ],
)
def test_each_refusal_has_its_meaning_and_the_next_step(
    status: int, body: bytes, kind: str, part: str
) -> None:
    error = refusal(Api("GoDaddy", "http://127.0.0.1:1"), Reply(status, {}, body))

    assert error.kind == kind
    assert part in error.hint
    assert error.message.startswith("GoDaddy: ")


def test_a_refused_field_is_named() -> None:
    body = (
        b'{"code":"INVALID_BODY","message":"m","fields":[{"message":"f","path":"records[0].ttl"}]}'
    )

    error = refusal(Api("GoDaddy", "http://127.0.0.1:1"), Reply(422, {}, body))

    assert "(m; records[0].ttl f)" in error.message


# --- zones ----------------------------------------------------------------------------------------


async def test_a_zone_comes_with_the_servers_of_its_own_name_only(godaddy: GoDaddy) -> None:
    zone = await godaddy.find_zone(NAME)

    assert zone.nameservers == ("ns1.vendor.test", "ns2.vendor.test")


async def test_each_candidate_is_asked_once_from_the_longest(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    await godaddy.find_zone(f"_acme-challenge.www.{ZONE}")
    await godaddy.find_zone(f"_acme-challenge.www.{ZONE}")

    assert vendor.calls == [
        f"GET /v1/domains/{zone}/records/NS"
        for zone in (f"_acme-challenge.www.{ZONE}", f"www.{ZONE}", ZONE)
    ]


async def test_a_zone_that_was_made_since_is_found(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    await refused(godaddy.find_zone("_acme-challenge.example.net"))
    vendor.add_zone("example.net")

    assert (await godaddy.find_zone("_acme-challenge.example.net")).text == "example.net"


async def test_a_zone_that_the_operator_named_is_asked_for_directly(
    vendor: FakeGoDaddy, opened: Opening
) -> None:
    godaddy = opened(zones=f"example.net, {ZONE}")

    assert (await godaddy.find_zone(f"_acme-challenge.www.{ZONE}")).text == ZONE
    assert vendor.calls == [f"GET /v1/domains/{ZONE}/records/NS"]


async def test_a_restriction_below_a_zone_leaves_the_zone_to_be_found(
    vendor: FakeGoDaddy, opened: Opening
) -> None:
    godaddy = opened(zones=f"lab.{ZONE}")

    assert (await godaddy.find_zone(f"_acme-challenge.a.lab.{ZONE}")).text == ZONE
    assert (await refused(godaddy.find_zone(NAME))).kind == "zone_not_found"
    assert len(vendor.calls) == 2


async def test_the_zones_own_name_is_an_at_sign(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    vendor.put(ZONE, ("v=spf1 -all",))
    zone = await godaddy.find_zone(ZONE)

    handles = await godaddy.add(zone, ZONE, {"ours"}, 60)
    assert vendor.bodies[-1][0]["name"] == "@"
    await godaddy.remove(handles)

    assert vendor.txt(ZONE) == [("v=spf1 -all",)]


async def test_no_more_calls_are_made_than_the_pace_allows(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    async def look_for_many() -> None:
        for number in range(CALLS_PER_MINUTE):
            await godaddy.find_zone(f"_acme-challenge.host{number}.{ZONE}")

    error = await refused(look_for_many(), seconds=2)

    assert error.kind == "rate_limited"
    assert len(vendor.calls) == CALLS_PER_MINUTE
    assert 30 < (error.retry_after or 0) <= 60


# --- the test of an account -----------------------------------------------------------------------


async def test_an_account_shows_its_domains(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    for number in range(12):
        vendor.add_zone(f"z{number}.test")

    report = await godaddy.check()

    assert report.ok
    [(_, line)] = said(report)
    assert line.startswith(f"GoDaddy accepts the key; domains: {ZONE}, z0.test")
    assert line.endswith("and 3 more")


async def test_the_zones_of_an_account_are_looked_for_and_not_written(
    vendor: FakeGoDaddy, opened: Opening
) -> None:
    godaddy = opened(zones=f"{ZONE}, example.net")

    report = await godaddy.check([ZONE, "example.net"])

    lines = said(report)
    assert lines[1] == (
        True,
        f"zone {ZONE} is in the account, served by ns1.vendor.test, ns2.vendor.test",
    )
    assert lines[2][0] is False
    assert "example.net" in lines[2][1]
    assert vendor.writes == 0


async def test_a_name_is_tried_with_a_record_that_is_taken_away(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    report = await godaddy.check([f"*.{ZONE}"])

    assert report.ok
    assert vendor.writes == 2
    assert vendor.zones[0].values == {}
    assert vendor.bodies[0][0]["name"].startswith("_kmtui-test-")


async def test_domain_protection_is_found_before_it_matters(
    vendor: FakeGoDaddy, godaddy: GoDaddy
) -> None:
    vendor.protected = "nothing"

    report = await godaddy.check([ZONE])

    assert not report.ok
    assert any("Domain Protection" in text for ok, text in said(report) if ok is False)


async def test_a_wrong_key_ends_the_test(vendor: FakeGoDaddy, opened: Opening) -> None:
    godaddy = opened({"api_key": KEY, "api_secret": "wrong"})

    report = await godaddy.check([ZONE])

    assert [ok for ok, _ in said(report)] == [False, None]
    assert len(vendor.calls) == 1


async def test_a_restricted_account_is_told_once(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    vendor.denied = {"GET"}

    report = await godaddy.check()

    assert not report.ok
    assert "key is valid" in report.lines[0].text


async def test_a_key_that_may_not_list_can_still_do(vendor: FakeGoDaddy, godaddy: GoDaddy) -> None:
    vendor.denied_domains = {""}

    report = await godaddy.check([ZONE])

    assert report.ok
    assert report.lines[0].ok is None


# --- forms ----------------------------------------------------------------------------------------


async def test_a_reseller_names_the_customer(vendor: FakeGoDaddy, opened: Opening) -> None:
    await opened(shopper_id="12345678").find_zone(NAME)

    assert vendor.headers_seen[-1]["X-Shopper-Id"] == "12345678"


async def test_blanks_around_a_copied_key_do_not_matter(opened: Opening) -> None:
    godaddy = opened({"api_key": f" {KEY}\n", "api_secret": f"{SECRET} "})

    assert (await godaddy.find_zone(NAME)).text == ZONE


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({}, {"api_secret": "s"}, "api_key"),
        ({}, {"api_key": "k"}, "api_secret"),
        ({}, {"api_key": "k k", "api_secret": "s"}, "api_key"),
        ({}, {"api_key": "k", "api_secret": "s\u00e9"}, "api_secret"),
        ({"base_url": "http://api.example.org"}, {"api_key": "k", "api_secret": "s"}, "base_url"),
        ({"shopper_id": "1\r\nX: y"}, {"api_key": "k", "api_secret": "s"}, "shopper_id"),
        ({"zones": "a..b"}, {"api_key": "k", "api_secret": "s"}, "zones"),
        ({"api_key": "k"}, {"api_key": "k", "api_secret": "s"}, "api_key"),
    ],
)
def test_what_cannot_work_names_its_field(
    settings: dict[str, str], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        registry.open_provider("godaddy", settings, secrets)

    assert caught.value.field == field
