"""What an operator is told about Route 53: each refusal, and the test of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from kmtui.core.dns import route53_inspection
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import DnsProvider, Report, Surroundings
from kmtui.core.errors import DnsProviderError
from tests.dns.fakes.route53 import USER, FakeRoute53
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE


@pytest.fixture
def vendor() -> Iterator[FakeRoute53]:
    vendor = FakeRoute53()
    vendor.start()
    yield vendor
    vendor.stop()


def texts(report: Report) -> list[str]:
    return [line.text for line in report.lines]


async def refused(route53: DnsProvider) -> DnsProviderError:
    """What adding a value raises."""
    with pytest.raises(DnsProviderError) as caught, patience(5):
        await route53.add(await route53.find_zone(NAME), NAME, {"ours"}, 60)
    return caught.value


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text", "kind", "words"),
    [
        ("InvalidClientTokenId", "The security token is invalid", "auth", "does not know"),
        ("UnrecognizedClientException", "invalid", "auth", "does not know"),
        ("SignatureDoesNotMatch", "we calculated", "auth", "secret access key does not fit"),
        ("SignatureDoesNotMatch", "Signature expired: 1 is now earlier", "clock_skew", "clock"),
        ("SignatureDoesNotMatch", "Signature not yet current: 9", "clock_skew", "clock"),
        ("RequestTimeTooSkewed", "The difference is too large", "clock_skew", "clock"),
        ("RequestExpired", "Request has expired", "clock_skew", "clock"),
        ("IncompleteSignature", "not a valid key=value pair", "auth", "cannot read the signature"),
        ("ExpiredToken", "The security token has expired", "auth", "temporary AWS credentials"),
        ("ExpiredTokenException", "expired", "auth", "temporary AWS credentials"),
        ("OptInRequired", "needs a subscription", "plan_restriction", "not signed up"),
        ("NoSuchHostedZone", "No hosted zone found", "zone_not_found", "no such hosted zone"),
        ("LimitsExceeded", "Too many", "quota", "Too many"),
        ("InvalidInput", "Invalid XML ; cvc", "invalid_request", "InvalidInput): Invalid XML"),
        ("Brand\nNew", "x" * 9999, "invalid_request", "x" * 300),
        (
            "InvalidChangeBatch",
            "[RRSet with DNS name a. is not permitted in zone b.]",
            "zone_not_found",
            "not one of this name",
        ),
        ("InvalidChangeBatch", "[Duplicate Resource Record: 'v']", "invalid_request", "Duplicate"),
        (
            "InvalidChangeBatch",
            "[The maximum number of ResourceRecords is exceeded]",
            "quota",
            "too many records",
        ),
    ],
)
async def test_each_refusal_is_told_with_its_next_step(
    vendor: FakeRoute53, opened: Opening, code: str, text: str, kind: str, words: str
) -> None:
    vendor.add_zone(ZONE)
    vendor.refusals["ChangeResourceRecordSets"] = (code, text)

    error = await refused(opened())

    assert (error.kind, error.raw_code) == (kind, code)
    assert words in error.message
    assert len(error.message) < 500
    assert error.hint
    assert error.vendor_request_id.startswith("request-")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("ListHostedZonesByName", "`hosted_zone_id`"),
        ("ListResourceRecordSets", "in the policy"),
        ("ChangeResourceRecordSets", "CREATE and DELETE"),
    ],
)
async def test_a_missing_right_is_told_with_action_and_resource(
    vendor: FakeRoute53, opened: Opening, operation: str, words: str
) -> None:
    zone = vendor.add_zone(ZONE)
    vendor.denied = {operation}

    error = await refused(opened())

    assert error.kind == "permission"
    assert USER in error.message
    assert f"route53:{operation}" in error.message
    assert operation == "ListHostedZonesByName" or zone in error.message
    assert words in error.hint
    assert f"route53:{operation}" in error.hint


async def test_a_role_that_may_not_be_assumed_is_told(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.external_id = "1234"

    error = await refused(opened(role_arn="arn:aws:iam::123456789012:role/dns"))

    assert error.kind == "permission"
    assert "sts:AssumeRole on arn:aws:iam::123456789012:role/dns" in error.message
    assert "`external_id`" in error.hint


async def test_a_wrong_clock_is_told_whatever_amazon_calls_it(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.skew = -3600
    vendor.refusals["ChangeResourceRecordSets"] = ("SignatureDoesNotMatch", "we calculated")

    error = await refused(opened())

    assert error.kind == "clock_skew"
    assert "NTP" in error.hint


@pytest.mark.parametrize("code", ["Throttling", "PriorRequestNotComplete"])
async def test_what_is_busy_is_tried_again_until_patience_ends(
    vendor: FakeRoute53, opened: Opening, code: str
) -> None:
    vendor.add_zone(ZONE)
    route53 = opened()
    zone = await route53.find_zone(NAME)
    vendor.refusals["ChangeResourceRecordSets"] = (code, "Rate exceeded")

    with pytest.raises(DnsProviderError) as caught, patience(0.3):
        await route53.add(zone, NAME, {"ours"}, 60)
    asyncio.get_running_loop().call_later(0.2, vendor.refusals.clear)
    await route53.add(zone, NAME, {"ours"}, 60)

    assert caught.value.kind == "rate_limited"
    assert vendor.txt(NAME) == [("ours",)]


async def test_an_address_where_nothing_listens_is_told(opened: Opening) -> None:
    route53 = opened(base_url="http://127.0.0.1:1")

    with pytest.raises(DnsProviderError) as caught, patience(0.2):
        await route53.find_zone(NAME)

    assert caught.value.kind == "transient"
    assert "cannot be reached" in caught.value.message


async def test_a_vendor_that_does_not_answer_is_given_up_in_time(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.delay = 20.0
    started = asyncio.get_running_loop().time()

    with pytest.raises(DnsProviderError) as caught, patience(0.3):
        await opened().find_zone(NAME)

    assert caught.value.kind == "transient"
    assert asyncio.get_running_loop().time() - started < 10


async def test_a_region_that_aws_does_not_have_goes_to_the_stand_in_all_the_same(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE)

    assert (await opened(region="eu-nowhere-9").find_zone(NAME)).text == ZONE


# --- the test of an account -----------------------------------------------------------------------


async def test_a_good_account_says_who_it_is_and_what_it_may_change(
    vendor: FakeRoute53, opened: Opening
) -> None:
    zone = vendor.add_zone(ZONE)
    vendor.put(NAME, ("theirs",))

    report = await opened().check([ZONE, f"*.www.{ZONE}"])

    assert report.ok
    assert texts(report) == [
        "signed in as arn:aws:sts::123456789012:user/moto",
        f"hosted zones: {ZONE} ({zone})",
        f"TXT at {NAME} in zone {ZONE} ({zone}) can be changed",
        f"TXT at _acme-challenge.www.{ZONE} in zone {ZONE} ({zone}) can be changed",
    ]
    assert vendor.txt(NAME) == [("theirs",)]
    assert vendor.batches == []


async def test_a_right_that_is_missing_for_a_name_is_found(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.denied_names = {NAME}

    report = await opened().check([ZONE, f"www.{ZONE}"])

    assert [line.ok for line in report.lines] == [True, True, False, None, True]
    assert "route53:ChangeResourceRecordSets" in texts(report)[2]


async def test_a_right_to_single_names_is_no_failure_of_the_zone(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.denied_names = {NAME}

    report = await opened(zones=ZONE).check()

    assert report.ok
    assert any("other names in example.org may be allowed" in text for text in texts(report))


async def test_an_account_that_may_not_follow_changes_is_told_so(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.denied = {"GetChange"}

    report = await opened().check([ZONE])

    assert report.ok
    assert any("route53:GetChange" in text for text in texts(report))


async def test_the_right_to_read_is_needed_too(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.add_zone(ZONE)
    vendor.denied = {"ListResourceRecordSets"}

    report = await opened().check([ZONE])

    assert not report.ok
    assert any("route53:ListResourceRecordSets" in text for text in texts(report))


async def test_an_account_without_zones_fails(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.add_zone(ZONE, private=True)

    report = await opened().check([ZONE])

    assert not report.ok
    assert "no public hosted zone" in texts(report)[-1]


async def test_many_zones_are_counted(vendor: FakeRoute53, opened: Opening) -> None:
    for number in range(13):
        vendor.add_zone(f"z{number:02}.test")

    report = await opened().check()

    assert report.ok
    assert texts(report)[-1].endswith("and 3 more")


@pytest.mark.parametrize("name", ["", "..", f"{'x' * 64}.test", "_acme-challenge.elsewhere.test"])
async def test_a_name_that_cannot_be_tested_is_a_line(
    vendor: FakeRoute53, opened: Opening, name: str
) -> None:
    vendor.add_zone(ZONE)

    report = await opened().check([name, ZONE])

    assert not report.ok
    assert report.lines[-1].ok


async def test_an_account_is_tested_where_only_route_53_can_be_reached(
    vendor: FakeRoute53, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.add_zone(ZONE)
    monkeypatch.setattr(route53_inspection, "IDENTITY_SECONDS", 0.3)
    vendor.fail(times=1)

    report = await opened().check([ZONE])

    assert report.ok
    assert "STS cannot be reached" in texts(report)[0]


async def test_wrong_credentials_end_the_test_at_once(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.add_zone(ZONE)
    around = Surroundings(environment={"AWS_EC2_METADATA_DISABLED": "true"})

    report = await opened.around(around, {}, access_key_id="").check([ZONE])

    assert [line.ok for line in report.lines] == [False, None]
    assert "no AWS credentials" in texts(report)[0]
