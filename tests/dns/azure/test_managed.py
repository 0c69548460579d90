"""Azure DNS: the identity that a machine, an App Service or an Azure Arc server has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from kmtui.core.dns import azure_managed
from kmtui.core.dns.azure import AzureDns
from kmtui.core.dns.azure_managed import Platform
from tests.dns.azure.account import NAME, NOWHERE, Clock, OpenAzure, publish, refused
from tests.dns.fakes.azure import FakeAzure
from tests.dns.fakes.azure_identity import CLIENT

MANAGED = {"auth": "managed", "tenant_id": None, "client_id": None}


@pytest.fixture
def platform(fake: FakeAzure, tmp_path: Path) -> Platform:
    """A virtual machine; Azure Arc would be at home here, too, but is not installed."""
    return Platform(
        imds=fake.base_url,
        arc_endpoint=f"{fake.base_url}/arc/token",
        arc_agent=NOWHERE / "himds",
        arc_challenges=tmp_path,
    )


def on_machine(
    open_azure: OpenAzure,
    platform: Platform,
    environment: Mapping[str, str] | None = None,
    **settings: str,
) -> AzureDns:
    return open_azure(
        {**MANAGED, **settings}, secrets={}, environment=environment or {}, platform=platform
    )


async def test_a_virtual_machine_signs_in_with_its_own_identity(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform
) -> None:
    fake.identities.machine = {"system"}

    await publish(on_machine(open_azure, platform), "ours")

    assert fake.txt(NAME) == [("ours",)]
    assert fake.identities.asked == [
        {"api-version": "2018-02-01", "resource": "https://management.azure.com/"}
    ]


@pytest.mark.parametrize("source", ["setting", "environment"])
async def test_one_of_several_identities_is_named_by_its_client_id(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform, source: str
) -> None:
    fake.identities.machine = {CLIENT}
    settings = {"client_id": CLIENT} if source == "setting" else {}
    environment = {"AZURE_CLIENT_ID": CLIENT} if source == "environment" else {}

    report = await on_machine(open_azure, platform, environment, **settings).check()

    assert report.ok
    assert fake.identities.asked[0]["client_id"] == CLIENT
    assert any(CLIENT in line.text for line in report.lines)


async def test_a_token_for_a_day_is_kept_that_long(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform
) -> None:
    fake.identities.machine = {"system"}
    fake.identities.lifetime = None  # Only the moment of its end is told.
    clock = Clock()
    azure = open_azure(MANAGED, secrets={}, platform=platform, clock=clock)

    for _ in range(3):
        await azure.find_zone(NAME)
        clock.now += 7 * 3600

    assert len(fake.identities.asked) == 1


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
async def test_a_metadata_service_that_is_being_updated_is_asked_again(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform, status: int
) -> None:
    fake.identities.machine = {"system"}
    fake.identities.imds_statuses = [status]

    assert await on_machine(open_azure, platform).find_zone(NAME)


async def test_a_metadata_service_that_stays_away_may_come_back(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform
) -> None:
    fake.identities.imds_statuses = [410] * 100

    error = await refused(on_machine(open_azure, platform).find_zone(NAME), seconds=2)

    assert error.kind == "transient"


@pytest.mark.parametrize("client_id", ["", CLIENT])
async def test_a_machine_without_that_identity_is_told_so(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform, client_id: str
) -> None:
    error = await refused(on_machine(open_azure, platform, client_id=client_id).find_zone(NAME))

    assert error.kind == "auth"
    assert "Identity not found" in error.message
    assert (client_id or "of its own") in error.message
    assert "object ID" in error.hint


async def test_a_host_outside_azure_is_told_so_at_once(open_azure: OpenAzure) -> None:
    started = asyncio.get_running_loop().time()

    error = await refused(open_azure(MANAGED, secrets={}).find_zone(NAME))

    assert error.kind == "auth"
    assert "does not run on Azure" in error.message
    assert asyncio.get_running_loop().time() - started < 3


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """Something that takes connections and never answers."""
    server = await asyncio.start_server(lambda *_: asyncio.sleep(30), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_metadata_service_that_never_answers_is_given_up(
    open_azure: OpenAzure, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_managed, "READ_SECONDS", 0.1)
    machine = Platform(imds=silent, arc_agent=NOWHERE)

    azure = open_azure(MANAGED, secrets={}, platform=machine)
    error = await refused(azure.find_zone(NAME), seconds=1)

    assert error.kind == "transient"


# App Service


def app_service(fake: FakeAzure) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"{fake.base_url}/msi/token",
        "IDENTITY_HEADER": fake.identities.header,
    }


async def test_an_app_service_signs_in_with_its_header(
    fake: FakeAzure,
    open_azure: OpenAzure,
    platform: Platform,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.identities.machine = {CLIENT}
    azure = on_machine(open_azure, platform, app_service(fake), client_id=CLIENT)

    await publish(azure, "ours")

    assert fake.identities.asked[0]["client_id"] == CLIENT
    assert fake.identities.header not in caplog.text + fake.received


async def test_an_app_service_without_identity_is_told_so(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform
) -> None:
    error = await refused(on_machine(open_azure, platform, app_service(fake)).find_zone(NAME))

    assert "this App Service has no identity" in error.message


@pytest.mark.parametrize("endpoint", ["nonsense", "http://[::1", "file:///etc/passwd"])
async def test_an_endpoint_that_is_no_url_is_told_so(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform, endpoint: str
) -> None:
    environment = {**app_service(fake), "IDENTITY_ENDPOINT": endpoint}

    error = await refused(on_machine(open_azure, platform, environment).find_zone(NAME))

    assert error.kind == "auth"
    assert "IDENTITY_ENDPOINT" in error.message
