"""ClouDNS against a fake that replies as the real one was seen to: user, zones and records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import DnsProvider, Surroundings, TxtHandle
from kmtui.core.dns.registry import open_provider
from kmtui.core.errors import DnsProviderError, InvalidInput
from tests.dns.contract import Contract
from tests.dns.fakes.cloudns import AUTH_ID, PASSWORD, SUB_AUTH_ID, SUB_AUTH_USER, FakeCloudns
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE


@pytest.fixture
def vendor() -> Iterator[FakeCloudns]:
    vendor = FakeCloudns()
    vendor.start()
    yield vendor
    vendor.stop()


@pytest.fixture
def cloudns(opened: Opening) -> DnsProvider:
    """An account without limits of its own."""
    return opened.around(Surroundings(), collaborators={"pace": Pace(None)})


class TestCloudnsContract(Contract):
    cannot: ClassVar = {13: "an account holds a zone of one name once"}
    also = ("tests.dns.test_cloudns_told",)
    limit_says_when = False

    @pytest.fixture
    def vendor(self, vendor: FakeCloudns) -> FakeCloudns:
        return vendor


# --- the API user ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "parameter"),
    [
        ({"auth_id": AUTH_ID}, "auth-id"),
        ({"sub_auth_id": SUB_AUTH_ID, "auth_id": ""}, "sub-auth-id"),
        ({"sub_auth_user": SUB_AUTH_USER, "auth_id": ""}, "sub-auth-user"),
    ],
)
async def test_a_user_is_named_in_one_way_in_each_call(
    vendor: FakeCloudns, opened: Opening, user: dict[str, str], parameter: str
) -> None:
    vendor.add_zone(ZONE)
    cloudns = opened(**user)

    zone = await cloudns.find_zone(NAME)
    await cloudns.remove(await cloudns.add(zone, NAME, {"value-1"}, 60))

    assert vendor.txt(NAME) == []
    assert all(parameter in form and form["auth-password"] == PASSWORD for form in vendor.form)
    assert all(call.startswith("POST ") for call in vendor.calls)


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({}, {"auth_password": PASSWORD}, "auth_id"),
        ({"auth_id": "1", "sub_auth_id": "2"}, {"auth_password": PASSWORD}, "sub_auth_id"),
        ({"auth_id": "1", "sub_auth_user": "x"}, {"auth_password": PASSWORD}, "sub_auth_user"),
        ({"auth_id": "acme"}, {"auth_password": PASSWORD}, "auth_id"),
        ({"sub_auth_id": "acme"}, {"auth_password": PASSWORD}, "sub_auth_id"),
        ({"auth_id": "1"}, {}, "auth_password"),
        ({"auth_id": "1"}, {"auth_password": "\n"}, "auth_password"),
        ({"auth_id": "1", "zones": ".."}, {"auth_password": PASSWORD}, "zones"),
    ],
)
def test_what_cannot_work_is_refused_with_its_field(
    settings: dict[str, str], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_provider("cloudns", settings, secrets)

    assert caught.value.field == field
    assert PASSWORD not in str(caught.value)


async def test_a_password_file_may_end_with_a_line_end(
    vendor: FakeCloudns, opened: Opening
) -> None:
    vendor.add_zone(ZONE)

    zone = await opened({"auth_password": f"{PASSWORD}\n"}).find_zone(NAME)

    assert zone.text == ZONE


# --- zones ----------------------------------------------------------------------------------------


async def test_few_calls_find_the_zone_of_many_names(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)

    for label in "abc":
        assert (await cloudns.find_zone(f"_acme-challenge.{label}.{ZONE}")).text == ZONE

    assert vendor.methods == ["list-zones", "records"]


async def test_a_zone_made_after_the_first_look_is_found(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    await cloudns.find_zone(NAME)

    vendor.add_zone("example.net")

    assert (await cloudns.find_zone("_acme-challenge.example.net")).text == "example.net"


@pytest.mark.parametrize("why", ["many zones", "may not list zones"])
async def test_where_no_page_holds_all_zones_each_name_is_asked_for(
    vendor: FakeCloudns, cloudns: DnsProvider, why: str
) -> None:
    if why == "many zones":
        for number in range(100):
            vendor.add_zone(f"zone{number}.test")
    else:
        vendor.refuse["list-zones"] = "You don't have permission to do that."
    vendor.add_zone(ZONE)
    vendor.add_zone(f"_acme-challenge.host.{ZONE}")

    assert (await cloudns.find_zone(f"_acme-challenge.www.{ZONE}")).text == ZONE
    assert (await cloudns.find_zone(f"_acme-challenge.host.{ZONE}")).text.startswith("_acme")
    with pytest.raises(DnsProviderError) as caught:
        await cloudns.find_zone("_acme-challenge.badexample.org")

    assert caught.value.kind == "zone_not_found"
    assert "delegate" in caught.value.hint


async def test_a_real_failure_is_not_taken_for_a_missing_zone(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.refuse["list-zones"] = "You don't have permission to do that."
    vendor.refuse["get-zone-info"] = "This feature is not available for your plan."

    with pytest.raises(DnsProviderError) as caught:
        await cloudns.find_zone(NAME)

    assert caught.value.kind == "plan_restriction"
    assert vendor.methods.count("get-zone-info") == 1


async def test_the_zones_own_ns_records_are_its_name_servers(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE, nameservers=("NS1.vendor.test.", "ns2.vendor.test"))

    zone = await cloudns.find_zone(NAME)

    assert zone.nameservers == ("ns1.vendor.test", "ns2.vendor.test")


async def test_a_cloud_zone_is_changed_at_its_master(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.add_zone("example.net")
    vendor.kinds["example.net"] = "cloud"
    vendor.masters["example.net"] = ZONE

    zone = await cloudns.find_zone("_acme-challenge.www.example.net")
    handles = await cloudns.add(zone, "_acme-challenge.www.example.net", {"value-1"}, 60)

    assert (zone.id, zone.text) == (ZONE, "example.net")
    assert vendor.txt(f"_acme-challenge.www.{ZONE}") == [("value-1",)]
    await cloudns.remove(handles)
    assert vendor.txt(f"_acme-challenge.www.{ZONE}") == []


@pytest.mark.parametrize("kind", ["slave", "parked"])
async def test_a_zone_without_records_of_its_own_is_told(
    vendor: FakeCloudns, cloudns: DnsProvider, kind: str
) -> None:
    vendor.add_zone(ZONE)
    vendor.kinds[ZONE] = kind

    with pytest.raises(DnsProviderError) as caught:
        await cloudns.find_zone(NAME)

    assert caught.value.kind == "unsupported"
    assert f"{ZONE} is" in caught.value.message
    assert "DNS account" in caught.value.hint


async def test_names_outside_the_accounts_zones_are_refused_before_any_call(
    vendor: FakeCloudns, opened: Opening
) -> None:
    with pytest.raises(DnsProviderError) as caught:
        await opened(zones="example.net").find_zone(NAME)

    assert caught.value.kind == "zone_not_found"
    assert vendor.calls == []


# --- records --------------------------------------------------------------------------------------


async def test_a_value_at_the_zones_own_name_has_an_empty_host(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(NAME)
    vendor.put(NAME, ("foreign",))
    vendor.put(f"www.{NAME}", ("value-1",))
    zone = await cloudns.find_zone(NAME)

    handles = await cloudns.add(zone, NAME, {"value-1"}, 60)
    assert vendor.txt(NAME) == [("foreign",), ("value-1",)]
    await cloudns.remove(handles)

    assert vendor.txt(NAME) == [("foreign",)]
    assert vendor.txt(f"www.{NAME}") == [("value-1",)]


async def test_the_id_is_the_one_that_was_told_or_is_looked_up(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    zone = await cloudns.find_zone(NAME)

    (told,) = await cloudns.add(zone, NAME, {"value-1"}, 60)
    vendor.leaves_out_ids = True
    (found,) = await cloudns.add(zone, NAME, {"value-2"}, 60)

    assert [told.record_id, found.record_id] == [value.id for value in vendor.values(NAME)]


async def test_a_value_that_arrived_twice_is_removed_twice(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.refuses_duplicates = False
    zone = await cloudns.find_zone(NAME)

    vendor.before_write(lambda: vendor.put(NAME, ("value-1",)))
    handles = await cloudns.add(zone, NAME, {"value-1"}, 60)
    assert vendor.txt(NAME) == [("value-1",), ("value-1",)]
    await cloudns.remove(handles)

    assert vendor.txt(NAME) == []


async def test_a_record_that_got_another_value_since_is_not_removed(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    handles = await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1"}, 60)
    (record,) = vendor.values(NAME)
    record.strings, record.text = ("theirs",), "theirs"

    await cloudns.remove(handles)

    assert vendor.txt(NAME) == [("theirs",)]


async def test_a_record_that_others_remove_first_is_a_success(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    handles = await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1"}, 60)

    vendor.before_write(lambda: vendor.drop(NAME, ("value-1",)))
    await cloudns.remove(handles)

    assert vendor.txt(NAME) == []


async def test_a_record_that_may_not_be_removed_is_told(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    handles = await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1"}, 60)
    vendor.refuse["delete-record"] = "You don't have permission to do that."

    with pytest.raises(DnsProviderError) as caught:
        await cloudns.remove(handles)

    assert caught.value.kind == "permission"


@pytest.mark.parametrize("ignored", [False, True], ids=["pages", "the same page again and again"])
async def test_a_value_among_many_is_found_on_a_later_page(
    vendor: FakeCloudns, cloudns: DnsProvider, ignored: bool
) -> None:
    vendor.add_zone(ZONE)
    for number in range(150):
        vendor.put(NAME, (f"foreign-{number}",))
    vendor.put(NAME, ("value-1",))
    vendor.ignores_pages = ignored
    zone = await cloudns.find_zone(NAME)

    await cloudns.remove([TxtHandle.of(zone, NAME, "value-1")])

    assert (("value-1",) in vendor.txt(NAME)) is ignored
    assert len(vendor.txt(NAME)) >= 150


# --- TTLs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "sent"), [(10, 60), (60, 60), (61, 300), (3600, 3600), (9999999, 2592000)]
)
async def test_a_ttl_is_raised_to_the_next_one_there_is(
    vendor: FakeCloudns, cloudns: DnsProvider, wanted: int, sent: int
) -> None:
    vendor.add_zone(ZONE)

    await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1"}, wanted)

    assert vendor.ttl(NAME) == sent


async def test_a_ttl_there_is_not_is_told(vendor: FakeCloudns, cloudns: DnsProvider) -> None:
    vendor.add_zone(ZONE)
    said: list[str] = []

    async def tell(text: str) -> None:
        said.append(text)

    with patience(10, tell):
        await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1"}, 120)

    assert said == ["ClouDNS has no TTL 120: it is 300"]


async def test_a_zone_with_fewer_ttls_gets_the_next_of_its_own(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.ttls = (600, 3600)

    await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1", "value-2"}, 60)

    assert [value.ttl for value in vendor.values(NAME)] == [600, 600]


async def test_a_value_joins_a_set_with_the_sets_own_ttl(
    vendor: FakeCloudns, cloudns: DnsProvider
) -> None:
    vendor.add_zone(ZONE)
    vendor.put(NAME, ("foreign",), ttl=86400)

    await cloudns.add(await cloudns.find_zone(NAME), NAME, {"value-1"}, 60)

    assert {value.ttl for value in vendor.values(NAME)} == {86400}
