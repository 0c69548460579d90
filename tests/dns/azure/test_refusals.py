"""Azure DNS: every refusal in words of ours, with the next step; and the test of an account."""

from __future__ import annotations

import pytest
from aiohttp import web

from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import Report
from tests.dns.azure.account import NAME, ZONE, OpenAzure, publish, refused
from tests.dns.cases import case
from tests.dns.fakes.azure import FakeAzure
from tests.dns.fakes.azure_identity import CLIENT, SECRET, TENANT

SIGN_IN = [
    ("AADSTS7000215", 401, "auth", "secret of application {client} is wrong", "not its ID"),
    ("AADSTS7000222", 401, "auth", "has expired", "create a new one"),
    ("AADSTS700016", 400, "auth", "no application {client} in tenant {tenant}", "`client_id`"),
    ("AADSTS7000229", 400, "auth", "no service principal", "az ad sp create --id {client}"),
    ("AADSTS7000112", 400, "auth", "is disabled", "Enterprise applications"),
    ("AADSTS90002", 400, "auth", "no tenant {tenant}", "`cloud`"),
    ("AADSTS900023", 400, "auth", "no tenant {tenant}", "`tenant_id`"),
    ("AADSTS90038", 400, "auth", "another Azure cloud", "set `cloud`"),
    ("AADSTS900382", 400, "auth", "another Azure cloud", "set `cloud`"),
    ("AADSTS900432", 400, "auth", "another Azure cloud", "set `cloud`"),
    ("AADSTS500011", 400, "auth", "no Azure Resource Manager", "`cloud`"),
    ("AADSTS700027", 401, "auth", "does not know the certificate", "upload it"),
    ("AADSTS700024", 401, "clock_skew", "not within its time", "NTP"),
    ("AADSTS700021", 401, "auth", "not of application", "`client_id`"),
    ("AADSTS700023", 401, "auth", "another login host", "`login_url`"),
    ("AADSTS70021", 400, "auth", "no federated credential", "audience"),
    ("AADSTS700213", 400, "auth", "no federated credential", "subject"),
    ("AADSTS53003", 400, "permission", "Conditional Access", "administrators"),
    ("AADSTS999999", 400, "auth", "AADSTS999999: What [it] says", "explains AADSTS999999"),
]

ARM = [
    (401, "InvalidAuthenticationToken", "no", "auth", "does not accept the token", "clock"),
    (401, "InvalidAuthenticationTokenAudience", "no", "auth", "another Azure cloud", "`cloud`"),
    (401, "InvalidAuthenticationTokenTenant", "no", "auth", "another tenant", "`tenant_id`"),
    (403, "Forbidden", "no", "permission", "may not do this", "DNS Zone Contributor"),
    (403, "RequestDisallowedByPolicy", "by 'P'", "permission", "policy", "exemption"),
    (404, "SubscriptionNotFound", "no sub", "zone_not_found", "no sub", "`subscription_id`"),
    (400, "InvalidSubscriptionId", "bad", "zone_not_found", "bad", "`subscription_id`"),
    (404, "ResourceGroupNotFound", "no rg", "zone_not_found", "no rg", "`resource_group`"),
    (404, "ParentResourceNotFound", "gone", "zone_not_found", "not there", "moved"),
    (404, "ResourceNotFound", "gone", "zone_not_found", "not there", "moved"),
    (409, "ScopeLocked", "locked", "permission", "lock", "`keep_record=yes`"),
    (409, "ReadOnlyDisabledSubscription", "x", "plan_restriction", "disabled", "reactivate"),
    (409, "MissingSubscriptionRegistration", "x", "plan_restriction", "registered", "az provider"),
    (409, "Conflict", "a CNAME is there", "conflict", "a CNAME is there", "alias"),
    (400, "BadRequest", "may not exceed 4096 characters", "quota", "full", "support"),
    (400, "BadRequest", "The value is odd", "invalid_request", "The value is odd", "portal"),
    (403, "", "", "transient", "HTTP 403", "proxy"),
]


@pytest.mark.parametrize(("code", "status", "kind", "message", "hint"), SIGN_IN)
async def test_each_refused_sign_in_is_told_in_its_own_words(
    fake: FakeAzure,
    open_azure: OpenAzure,
    code: str,
    status: int,
    kind: str,
    message: str,
    hint: str,
) -> None:
    fake.identities.refusal = (status, "invalid_client", f"{code}: What [it] says.")

    error = await refused(open_azure().find_zone(NAME))

    words = {"client": CLIENT, "tenant": TENANT}
    assert (error.kind, error.raw_code) == (kind, code)
    assert message.format(**words) in error.message
    assert hint.format(**words) in error.hint
    assert error.vendor_request_id == "entra-request-1"
    assert SECRET not in f"{error.message} {error.hint}"
    assert "Trace ID" not in error.message


@pytest.mark.parametrize("flat", [False, True], ids=["nested", "flat"])
@pytest.mark.parametrize(("status", "code", "text", "kind", "message", "hint"), ARM)
async def test_each_refusal_of_a_change_is_told_in_its_own_words(
    fake: FakeAzure,
    open_azure: OpenAzure,
    flat: bool,
    status: int,
    code: str,
    text: str,
    kind: str,
    message: str,
    hint: str,
) -> None:
    azure = open_azure()
    zone = await azure.find_zone(NAME)
    again = 2 if status == 401 else 1
    fake.put(NAME, ("others",))
    fake.before_write(
        lambda: fake.answers.extend(fake.no(status, code, text, flat=flat) for _ in range(again))
    )

    error = await refused(azure.add(zone, NAME, {"ours"}, 60))

    assert (error.kind, error.raw_code) == (kind, code)
    assert message in error.message
    assert hint in error.hint
    assert error.vendor_request_id.startswith("arm-request-")
    assert fake.txt(NAME) == [("others",)]


@case(23)
async def test_a_missing_right_names_action_and_scope(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    fake.denied.add("microsoft.network/dnszones/txt/write")

    error = await refused(publish(azure, "ours"))

    assert "Microsoft.Network/dnsZones/TXT/write" in error.message
    assert f"{fake.zones[0].id}/TXT/_acme-challenge" in error.message
    assert "minutes" in error.hint


async def test_a_token_that_is_refused_is_replaced_once(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()
    await azure.find_zone(NAME)
    fake.identities.tokens.clear()

    await publish(azure, "ours")

    assert fake.txt(NAME) == [("ours",)]
    assert sum("/oauth2/" in call for call in fake.calls) == 2


async def test_a_fresh_token_that_is_refused_ends_it(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.answers.extend(fake.no(401, "ExpiredAuthenticationToken", "no") for _ in range(10))

    error = await refused(open_azure().find_zone(NAME))

    assert error.kind == "auth"
    assert sum("/oauth2/" in call for call in fake.calls) == 2


async def test_a_full_record_set_is_told_as_full(fake: FakeAzure, open_azure: OpenAzure) -> None:
    for number in range(17):
        fake.put(NAME, (f"{number:0240}",))

    error = await refused(publish(open_azure(), "x" * 43))

    assert error.kind == "quota"
    assert f"/TXT/{NAME.partition('.')[0]}" in error.hint


async def test_a_name_that_is_an_alias_is_told_as_one(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.aliases.add(NAME)

    error = await refused(publish(open_azure(), "ours"))

    assert error.kind == "conflict"
    assert "CNAME" in error.message


# The test of an account


def texts(report: Report, ok: bool | None) -> list[str]:
    return [line.text for line in report.lines if line.ok is ok]


async def test_the_test_shows_identity_zones_and_rights_and_changes_nothing(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.add_zone("second.test")
    fake.put(f"_acme-challenge.www.{ZONE}", ("others",))
    before = fake.txt(f"_acme-challenge.www.{ZONE}")

    report = await open_azure().check([f"www.{ZONE}", f"*.{ZONE}"])

    assert report.ok
    shown = "\n".join(texts(report, True))
    assert "by client secret" in shown
    assert f"{ZONE}, second.test" in shown
    assert f"TXT at _acme-challenge.www.{ZONE}" in shown
    assert f"TXT at {NAME}" in shown
    assert fake.txt(f"_acme-challenge.www.{ZONE}") == before
    assert fake.txt(NAME) == []


async def test_the_test_of_an_account_of_many_zones_stays_short(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    for number in range(30):
        fake.add_zone(f"zone-{number:02}.test")

    report = await open_azure().check()

    assert "and 21 more" in texts(report, True)[1]


async def test_the_test_leaves_nothing_where_conditions_are_ignored(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.conditional = False

    report = await open_azure().check([ZONE])

    assert report.ok
    assert fake.txt(NAME) == []
    assert fake.writes > 1


@case(23)
async def test_the_test_tells_a_missing_right_to_write(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.denied.add("microsoft.network/dnszones/txt/write")

    report = await open_azure().check([ZONE])

    assert not report.ok
    assert "Microsoft.Network/dnsZones/TXT/write" in texts(report, False)[0]
    assert "DNS Zone Contributor" in texts(report, None)[0]


@pytest.mark.parametrize(("keep", "fine"), [("auto", True), ("no", False), ("yes", True)])
async def test_the_test_tells_a_missing_right_to_delete(
    fake: FakeAzure, open_azure: OpenAzure, keep: str, fine: bool
) -> None:
    fake.denied.add("microsoft.network/dnszones/txt/delete")

    report = await open_azure({"keep_record": keep}).check([ZONE])

    assert report.ok is fine
    assert any("`-` will be left" in text for text in texts(report, None)) is (keep == "auto")


async def test_the_test_of_a_role_on_a_record_set_looks_at_that_alone(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.denied.add("microsoft.network/dnszones/read")
    name = f"_acme-challenge.www.{ZONE}"
    azure = open_azure({"zone_id": f"{fake.zones[0].id}/TXT/_acme-challenge.www", "zones": ZONE})

    report = await azure.check([ZONE])

    assert report.ok
    assert [text for text in texts(report, True) if "TXT at" in text] == [
        f"TXT at {name} in zone {ZONE} can be changed"
    ]


async def test_the_test_of_a_configured_zone_says_what_may_be_seen(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    settings = {"zone_id": fake.zones[0].id}
    report = await open_azure(settings).check()
    assert f"the identity sees {ZONE}" in texts(report, True)

    fake.denied.add("microsoft.network/dnszones/read")
    report = await open_azure(settings).check([ZONE])

    assert report.ok
    assert f"the identity may not look at {ZONE} as a whole" in texts(report, None)


@pytest.mark.parametrize("trouble", ["secret", "no zone", "unknown name", "no name", "html"])
async def test_the_test_never_raises(fake: FakeAzure, open_azure: OpenAzure, trouble: str) -> None:
    azure, name = open_azure(), ZONE
    if trouble == "secret":
        fake.identities.refusal = (401, "invalid_client", "AADSTS7000215: no")
    elif trouble == "no zone":
        fake.zones.clear()
    elif trouble == "unknown name":
        name = "elsewhere.test"
    elif trouble == "no name":
        name = "a..b"
    else:
        fake.answers.append(web.Response(text="<html>"))

    with patience(5):
        report = await azure.check([name])

    assert not report.ok
    assert texts(report, False)
