"""Azure DNS: zones are listed page by page, or named by resource id and never listed."""

from __future__ import annotations

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.dns.azure_zones import ResourceId
from kmtui.core.errors import InvalidInput
from tests.dns.azure.account import NAME, ZONE, Clock, OpenAzure, publish, refused
from tests.dns.cases import case
from tests.dns.fakes.azure import SUBSCRIPTION, FakeAzure

OTHER = "99999999-8888-7777-6666-555555555555"
LISTS = ("/subscriptions", "/dnsZones", "/privateDnsZones")


def lists(fake: FakeAzure) -> list[str]:
    return [call for call in fake.calls if call.endswith(LISTS)]


async def test_every_page_of_zones_is_read(fake: FakeAzure, open_azure: OpenAzure) -> None:
    for number in range(4):
        fake.add_zone(f"zone-{number}.test")
    fake.page_size = 2

    zone = await open_azure().find_zone("_acme-challenge.zone-3.test")

    assert zone.text == "zone-3.test"
    assert zone.nameservers == ("ns1.vendor.test", "ns2.vendor.test")
    assert len(lists(fake)) == 3


async def test_the_next_page_is_never_fetched_from_another_host(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    link = f"http://127.0.0.1:1/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/dnsZones"
    first = {"value": [], "nextLink": f"{link}?api-version=2018-05-01"}
    fake.answers.append(web.json_response(first))

    zone = await open_azure().find_zone(NAME)

    assert zone.text == ZONE
    assert len(lists(fake)) == 2


@case(22)
@pytest.mark.parametrize("body", ["<html>", "[]", '{"value": {}}', "{}"])
async def test_a_list_that_cannot_be_read_is_no_empty_list(
    fake: FakeAzure, open_azure: OpenAzure, body: str
) -> None:
    fake.answers.append(web.Response(text=body))

    error = await refused(open_azure().find_zone(NAME))

    assert error.kind == "transient"


@case(22)
async def test_strange_items_of_a_list_are_passed_over(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    id_ = fake.zones[0].id
    items = [
        None,
        {},
        {"id": 7, "name": ZONE},
        {"id": f"{id_}?x=1", "name": ZONE},
        {"id": id_, "name": "..", "properties": {}},
        {"id": id_, "name": ZONE, "properties": {"nameServers": 5}},
        {"id": id_, "name": ZONE, "properties": None, "unknown": True},
    ]
    fake.answers.append(web.json_response({"value": items}))

    zone = await open_azure().find_zone(NAME)

    assert (zone.id, zone.nameservers) == (id_, ())


async def test_zones_are_listed_once_a_minute_and_when_one_is_missing(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    clock = Clock()
    azure = open_azure(clock=clock)
    for name in ("a", "b", "c"):
        await azure.find_zone(f"_acme-challenge.{name}.{ZONE}")
    assert len(lists(fake)) == 1

    clock.now += 1
    fake.add_zone("new.test")
    await azure.find_zone("_acme-challenge.new.test")
    assert len(lists(fake)) == 2

    clock.now += 61
    await azure.find_zone(NAME)
    assert len(lists(fake)) == 3


async def test_without_a_subscription_all_that_can_be_used_are_looked_through(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.subscriptions = {OTHER: "Disabled", SUBSCRIPTION: "Enabled"}

    zone = await open_azure({"subscription_id": None}).find_zone(NAME)

    assert zone.id == fake.zones[0].id
    assert len(lists(fake)) == 2


async def test_one_subscription_that_is_closed_to_us_hides_no_other(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure({"subscription_id": None})
    value = [{"subscriptionId": OTHER}, {"subscriptionId": SUBSCRIPTION, "state": "Warned"}]
    fake.answers.append(web.json_response({"value": value}))

    zone = await azure.find_zone(NAME)

    assert zone.text == ZONE


async def test_an_identity_without_any_subscription_is_told_so(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.subscriptions.clear()

    error = await refused(open_azure({"subscription_id": None}).find_zone(NAME))

    assert error.kind == "permission"
    assert "no subscription" in error.message


async def test_only_the_zones_of_the_resource_group_count(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.add_zone(ZONE)

    zone = await open_azure({"resource_group": "DNS-2"}).find_zone(NAME)

    assert zone.id == fake.zones[1].id


async def test_a_resource_group_that_is_not_there_is_named(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    error = await refused(open_azure({"resource_group": "nowhere"}).find_zone(NAME))

    assert (error.kind, error.raw_code) == ("zone_not_found", "ResourceGroupNotFound")
    assert "nowhere" in error.message


async def test_an_identity_that_sees_no_zone_is_told_so(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.zones.clear()

    error = await refused(open_azure().find_zone(NAME))

    assert error.kind == "zone_not_found"
    assert "no zone at all" in error.hint


@case(23)
async def test_who_may_not_list_zones_is_told_of_zone_id(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.denied.add("microsoft.network/dnszones/read")

    error = await refused(open_azure().find_zone(NAME))

    assert (error.kind, error.raw_code) == ("permission", "AuthorizationFailed")
    assert "Microsoft.Network/dnsZones/read" in error.message
    assert f"/subscriptions/{SUBSCRIPTION}" in error.message
    assert "DNS Zone Contributor" in error.hint
    assert "zone_id" in error.hint


@case(13)
async def test_a_private_zone_beside_a_public_one_is_ignored(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.private += [ZONE, f"sub.{ZONE}"]

    zone = await open_azure().find_zone(f"_acme-challenge.sub.{ZONE}")

    assert zone.id == fake.zones[0].id


async def test_a_name_in_a_private_zone_only_is_refused_with_the_reason(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.private.append("inside.test")

    error = await refused(open_azure().find_zone("_acme-challenge.inside.test"))

    assert error.kind == "unsupported"
    assert "no public CA" in error.message
    assert "privateDnsZones/inside.test" in error.message
    assert "CNAME" in error.hint


async def test_an_old_private_zone_in_the_list_of_public_ones_is_refused_too(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    item = {"id": fake.zones[0].id, "name": ZONE, "properties": {"zoneType": "Private"}}
    fake.answers.append(web.json_response({"value": [item]}))

    error = await refused(open_azure().find_zone(NAME))

    assert error.kind == "unsupported"
    assert "private zone" in error.message


async def test_a_configured_zone_is_used_without_listing(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    first = fake.zones[0].id
    fake.add_zone(ZONE)
    azure = open_azure({"zone_id": first.replace("dnszones", "dnsZones"), "subscription_id": None})

    zone = await azure.find_zone(NAME)
    await publish(azure, "ours")

    assert zone.id.lower() == first.lower()
    assert zone.nameservers == ("ns1.vendor.test", "ns2.vendor.test")
    assert fake.txt(NAME) == [("ours",)]
    assert lists(fake) == []


async def test_a_configured_zone_that_may_not_be_looked_at_can_be_changed(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.denied.add("microsoft.network/dnszones/read")
    azure = open_azure({"zone_id": fake.zones[0].id})

    zone = await azure.find_zone(NAME)
    await publish(azure, "ours")

    assert zone.nameservers == ()
    assert fake.txt(NAME) == [("ours",)]


@pytest.mark.parametrize("configured", ["zone", "record set"])
async def test_a_name_outside_the_configured_ids_is_not_found(
    fake: FakeAzure, open_azure: OpenAzure, configured: str
) -> None:
    suffix = "/TXT/_acme-challenge" if configured == "record set" else ""
    azure = open_azure({"zone_id": f"{fake.zones[0].id}{suffix}"})
    wanted = f"_acme-challenge.other.{ZONE}" if suffix else "_acme-challenge.elsewhere.test"

    error = await refused(azure.find_zone(wanted))

    assert error.kind == "zone_not_found"
    assert "zone_id" in error.hint
    assert lists(fake) == []


async def test_several_ids_serve_several_names(fake: FakeAzure, open_azure: OpenAzure) -> None:
    fake.add_zone("second.test")
    ids = [f"{fake.zones[0].id}/TXT/_acme-challenge.www", f"{fake.zones[1].id}/TXT/@"]
    azure = open_azure({"zone_id": ", ".join(ids)})

    await publish(azure, "one", name=f"_acme-challenge.www.{ZONE}")
    await publish(azure, "two", name="second.test")

    assert fake.txt(f"_acme-challenge.www.{ZONE}") == [("one",)]
    assert fake.txt("second.test") == [("two",)]


async def test_a_configured_zone_that_is_gone_is_named(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure({"zone_id": fake.zones[0].id.replace("dns-1", "dns-9")})

    error = await refused(azure.find_zone(NAME))

    assert error.kind == "zone_not_found"
    assert "dns-9" in error.message


async def test_names_outside_the_zones_of_the_account_make_no_call(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    error = await refused(open_azure({"zones": "other.test"}).find_zone(NAME))

    assert error.kind == "zone_not_found"
    assert fake.calls == []


@pytest.mark.parametrize(
    ("id_", "why"),
    [
        ("example.org", "not the resource id"),
        ("https://elsewhere.test/subscriptions/s", "not the resource id"),
        ("/subscriptions/s/resourceGroups/g", "not the resource id"),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/a.test/A/www",
            "not the resource id",
        ),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/a.test?x",
            "not the resource id",
        ),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/a.test",
            "no public CA",
        ),
    ],
)
def test_what_is_no_id_of_a_public_zone_is_refused_in_the_form(
    open_azure: OpenAzure, id_: str, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        open_azure({"zone_id": id_})

    assert caught.value.field == "zone_id"


@given(st.text(alphabet="/?#%@.:a1-_ \n", max_size=20))
def test_whatever_is_read_as_an_id_is_a_path_below_the_host(tail: str) -> None:
    text = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/{tail}"
    try:
        found = ResourceId.parse(text)
    except ValueError:
        return

    assert found.zone_id.startswith("/subscriptions/")
    assert not set(found.zone_id) & set("?#% \n")
