"""Azure DNS: tokens of an application are kept, renewed in time, and for the right cloud."""

from __future__ import annotations

import pytest
from aiohttp import web

from tests.dns.azure.account import NAME, Clock, OpenAzure, publish, refused
from tests.dns.cases import case
from tests.dns.fakes.azure import FakeAzure


def sign_ins(fake: FakeAzure) -> int:
    return sum("/oauth2/v2.0/" in call for call in fake.calls)


async def test_one_token_serves_all_calls_until_minutes_before_its_end(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    clock = Clock()
    azure = open_azure(clock=clock)

    await publish(azure, "a")
    clock.now += 3599 - 301
    await publish(azure, "b")
    assert sign_ins(fake) == 1

    clock.now += 2
    await publish(azure, "c")

    assert sign_ins(fake) == 2


@case(22)
@pytest.mark.parametrize("lifetime", ["3599", 3599, 3599.5, None, "soon", [], True])
async def test_the_life_of_a_token_is_read_leniently(
    fake: FakeAzure, open_azure: OpenAzure, lifetime: object
) -> None:
    fake.identities.lifetime = lifetime

    zone = await open_azure().find_zone(NAME)

    assert zone.id == fake.zones[0].id


async def test_a_short_life_is_used_to_its_half(fake: FakeAzure, open_azure: OpenAzure) -> None:
    clock = Clock()
    fake.identities.lifetime = 100
    azure = open_azure({"zone_id": fake.zones[0].id}, clock=clock)

    await publish(azure, "a")
    clock.now += 49
    await publish(azure, "b")
    assert sign_ins(fake) == 1
    clock.now += 2
    await publish(azure, "c")

    assert sign_ins(fake) == 2


@case(22)
@pytest.mark.parametrize(
    "answer",
    [
        "<html>",
        "[]",
        "{}",
        '{"access_token": 7}',
        '{"access_token": ""}',
        '{"access_token": "two words"}',
        '{"access_token": "lf\\n"}',
    ],
)
async def test_an_answer_without_a_token_is_unreadable(
    fake: FakeAzure, open_azure: OpenAzure, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "too_fast_reply", lambda _: web.Response(text=answer))
    fake.too_fast()

    error = await refused(open_azure().find_zone(NAME))

    assert error.kind == "transient"
    assert "Microsoft Entra ID" in error.message


async def test_an_overloaded_login_host_is_asked_again(
    fake: FakeAzure, open_azure: OpenAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = {"error": "x", "error_description": "AADSTS90033: The service is unavailable."}
    monkeypatch.setattr(fake, "too_fast_reply", lambda _: web.json_response(busy, status=400))
    fake.too_fast()

    zone = await open_azure().find_zone(NAME)

    assert zone.id == fake.zones[0].id


async def test_a_secret_loses_the_line_end_of_its_file(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure(secrets={"client_secret": f"{fake.secrets['client_secret']}\r\n".encode()})

    assert await azure.find_zone(NAME)


@pytest.mark.parametrize("cloud", ["usgov", "china"])
async def test_a_token_is_for_the_cloud_that_is_set(open_azure: OpenAzure, cloud: str) -> None:
    hosts = {"usgov": "usgovcloudapi.net", "china": "chinacloudapi.cn"}
    fake = FakeAzure(audience=f"https://management.{hosts[cloud]}")
    fake.start()
    fake.add_zone("example.org")
    try:
        azure = open_azure({**fake.settings, "cloud": cloud})
        zone = await azure.find_zone(NAME)
    finally:
        fake.stop()

    assert zone.text == "example.org"


@pytest.mark.parametrize(
    ("cloud", "login", "arm"),
    [
        ("public", "login.microsoftonline.com", "management.azure.com"),
        ("usgov", "login.microsoftonline.us", "management.usgovcloudapi.net"),
        ("china", "login.chinacloudapi.cn", "management.chinacloudapi.cn"),
    ],
)
async def test_each_cloud_has_its_hosts(
    open_azure: OpenAzure, cloud: str, login: str, arm: str
) -> None:
    azure = open_azure({"cloud": cloud, "base_url": None, "login_url": None})

    assert azure._entra.api.base_url == f"https://{login}"
    assert azure._arm.api.base_url == f"https://{arm}"
