"""Cloudflare against a fake that replies as the real one was seen to: credentials and zones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from kmtui.core.dns.registry import open_provider
from kmtui.core.errors import DnsProviderError, InvalidInput
from tests.dns.cases import case
from tests.dns.contract import Contract
from tests.dns.fakes.cloudflare import EMAIL, KEY, TOKEN, ZONE_TOKEN, FakeCloudflare
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

KEY_HEADERS = {"x-auth-email": EMAIL, "x-auth-key": KEY}
TOKEN_HEADERS = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def vendor() -> Iterator[FakeCloudflare]:
    vendor = FakeCloudflare()
    vendor.start()
    yield vendor
    vendor.stop()


class TestCloudflareContract(Contract):
    also = ("tests.dns.test_cloudflare_records",)

    @pytest.fixture
    def vendor(self, vendor: FakeCloudflare) -> FakeCloudflare:
        return vendor


# --- credentials ----------------------------------------------------------------------------------


@case(19)
@pytest.mark.parametrize(
    ("settings", "secrets", "headers"),
    [
        ({}, {"api_token": TOKEN}, TOKEN_HEADERS),
        ({"email": EMAIL}, {"api_key": KEY}, KEY_HEADERS),
    ],
    ids=["token", "global key"],
)
async def test_only_the_accounts_own_credential_is_sent(
    vendor: FakeCloudflare,
    opened: Opening,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    secrets: dict[str, str],
    headers: dict[str, str],
) -> None:
    monkeypatch.setenv("CLOUDFLARE_EMAIL", "somebody@example.org")
    monkeypatch.setenv("CLOUDFLARE_API_KEY", "0" * 37)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "t" * 40)
    monkeypatch.setenv("CLOUDFLARE_API_USER_SERVICE_KEY", "v1.0-service")
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CLOUDFLARE_CUSTOM_HEADERS", "X-Auth-User-Service-Key: v1.0-other")
    vendor.add_zone(ZONE)
    cloudflare = opened(secrets, **settings)

    zone = await cloudflare.find_zone(NAME)
    await cloudflare.remove(await cloudflare.add(zone, NAME, {"value-1"}, 60))

    assert vendor.credentials
    assert all(given == headers for given in vendor.credentials)


async def test_zones_are_read_with_the_zone_token_and_changed_with_the_other(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.may_list_zones = vendor.may_read_zones = False
    cloudflare = opened({"api_token": TOKEN, "zone_token": ZONE_TOKEN})

    zone = await cloudflare.find_zone(NAME)
    await cloudflare.add(zone, NAME, {"value-1"}, 60)

    assert vendor.txt(NAME) == [("value-1",)]
    first, *rest = vendor.credentials
    assert first == {"authorization": f"Bearer {ZONE_TOKEN}"}
    assert all(given == TOKEN_HEADERS for given in rest)


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({}, {}, "api_token"),
        ({}, {"api_token": f"Bearer {TOKEN}"}, "api_token"),
        ({}, {"api_token": TOKEN, "api_key": KEY}, "api_key"),
        ({"email": EMAIL}, {"api_token": TOKEN}, "email"),
        ({"email": EMAIL}, {}, "api_key"),
        ({}, {"api_key": KEY}, "email"),
        ({"email": "no address"}, {"api_key": KEY}, "email"),
        ({}, {"zone_token": ZONE_TOKEN}, "api_token"),
        ({"email": EMAIL}, {"api_key": KEY, "zone_token": ZONE_TOKEN}, "zone_token"),
        ({"zone_id": "example.org"}, {"api_token": TOKEN}, "zone_id"),
        ({"base_url": "http://api.example.org"}, {"api_token": TOKEN}, "base_url"),
    ],
)
def test_what_cannot_work_is_refused_with_its_field(
    settings: dict[str, str], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_provider("cloudflare", settings, secrets)

    assert caught.value.field == field
    assert not any(secret in str(caught.value) for secret in secrets.values())


def test_blanks_around_a_token_do_no_harm() -> None:
    open_provider("cloudflare", {}, {"api_token": f"  {TOKEN}\n".encode()})


def test_an_account_is_opened_without_importing_the_sdk() -> None:
    code = (
        "import sys; from kmtui.core.dns.registry import open_provider; "
        "open_provider('cloudflare', {}, {'api_token': 'x' * 40}); "
        "sys.exit('cloudflare' in sys.modules or 'httpx' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- zones ----------------------------------------------------------------------------------------


async def test_one_call_finds_the_zones_of_many_names(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    vendor.add_zone("sub.example.org")
    cloudflare = opened()

    found = [await cloudflare.find_zone(f"_acme-challenge.{n}.{ZONE}") for n in ("a", "b", "sub")]

    assert [zone.text for zone in found] == [ZONE, ZONE, "sub.example.org"]
    assert vendor.calls == ["GET /client/v4/zones"]


async def test_a_zone_made_after_the_first_look_is_found(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.add_zone(ZONE)
    cloudflare = opened()
    await cloudflare.find_zone(NAME)

    vendor.add_zone("example.net")

    assert (await cloudflare.find_zone("_acme-challenge.example.net")).text == "example.net"


async def test_among_many_zones_each_name_a_zone_may_have_is_asked_for(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    for number in range(60):
        vendor.add_zone(f"zone{number}.test")
    vendor.add_zone(ZONE)
    vendor.add_zone(f"_acme-challenge.host.{ZONE}")
    cloudflare = opened()

    assert (await cloudflare.find_zone(f"_acme-challenge.www.{ZONE}")).text == ZONE
    assert (await cloudflare.find_zone(f"_acme-challenge.host.{ZONE}")).text.startswith("_acme")
    with pytest.raises(DnsProviderError) as caught:
        await cloudflare.find_zone("_acme-challenge.badexample.org")

    assert caught.value.kind == "zone_not_found"
    assert "badexample.org" in caught.value.message
    assert "zone_id" in caught.value.hint


@case(13)
async def test_zones_that_are_not_on_the_internet_are_passed_over(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.odd[vendor.add_zone(ZONE)] = {"type": "internal"}
    public = vendor.add_zone(ZONE)

    assert (await opened().find_zone(NAME)).id == public


async def test_own_name_servers_of_a_zone_count_for_its_delegation(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    vendor.odd[vendor.add_zone(ZONE)] = {"vanity_name_servers": ["NS1.example.org."]}

    zone = await opened().find_zone(NAME)

    assert zone.nameservers == ("ns1.vendor.test", "ns2.vendor.test", "ns1.example.org")


@case(23)
async def test_a_token_that_may_not_list_zones_is_told_about_the_zone_id(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    zone_id = vendor.add_zone(ZONE)
    vendor.may_list_zones = False

    with pytest.raises(DnsProviderError) as caught:
        await opened().find_zone(NAME)
    zone = await opened(zone_id=zone_id.upper()).find_zone(NAME)

    assert caught.value.kind == "permission"
    assert "may not list zones" in caught.value.message
    assert "`zone_id`" in caught.value.hint
    assert zone.id == zone_id
    assert vendor.calls[1:] == [f"GET /client/v4/zones/{zone_id}"]


@case(23)
async def test_a_token_that_may_not_even_read_the_zone_works_with_its_name_from_the_account(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    zone_id = vendor.add_zone(ZONE)
    vendor.may_list_zones = vendor.may_read_zones = False

    with pytest.raises(DnsProviderError) as caught:
        await opened(zone_id=zone_id).find_zone(NAME)
    cloudflare = opened(zone_id=zone_id, zones=ZONE)
    zone = await cloudflare.find_zone(NAME)
    await cloudflare.add(zone, NAME, {"value-1"}, 60)

    assert caught.value.kind == "permission"
    assert "`zones`" in caught.value.hint
    assert (zone.id, zone.text) == (zone_id, ZONE)
    assert vendor.txt(NAME) == [("value-1",)]


async def test_a_name_outside_the_configured_zone_is_refused(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    zone_id = vendor.add_zone(ZONE)

    with pytest.raises(DnsProviderError) as caught:
        await opened(zone_id=zone_id).find_zone("_acme-challenge.example.net")

    assert caught.value.kind == "zone_not_found"
    assert ZONE in caught.value.hint


async def test_names_outside_the_accounts_zones_are_refused_before_any_call(
    vendor: FakeCloudflare, opened: Opening
) -> None:
    with pytest.raises(DnsProviderError) as caught:
        await opened(zones="example.net").find_zone(NAME)

    assert caught.value.kind == "zone_not_found"
    assert vendor.calls == []
