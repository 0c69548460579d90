"""Azure DNS: an Azure Arc server proves by a file that it is itself, and shows no other file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kmtui.core.dns.azure import AzureDns
from kmtui.core.dns.azure_managed import Platform
from tests.dns.azure.account import NAME, NOWHERE, OpenAzure, refused
from tests.dns.fakes.azure import FakeAzure
from tests.dns.fakes.azure_identity import CLIENT

MANAGED = {"auth": "managed", "tenant_id": None, "client_id": None}
CANARY = "canary-of-a-file-that-is-not-arc's"


@pytest.fixture
def challenges(fake: FakeAzure, tmp_path: Path) -> Path:
    """Where Azure Arc of this server writes its files."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    fake.identities.machine = {"system"}
    fake.identities.arc_challenges = folder
    return folder


@pytest.fixture
def platform(fake: FakeAzure, challenges: Path) -> Platform:
    return Platform(
        imds="http://127.0.0.1:1",
        arc_endpoint=f"{fake.base_url}/arc/token",
        arc_agent=NOWHERE / "himds",
        arc_challenges=challenges,
    )


@pytest.fixture
def arc(fake: FakeAzure, open_azure: OpenAzure, platform: Platform) -> AzureDns:
    environment = {"IDENTITY_ENDPOINT": f"{fake.base_url}/arc/token", "IMDS_ENDPOINT": "http://x"}
    return open_azure(MANAGED, secrets={}, environment=environment, platform=platform)


async def test_a_server_signs_in_by_reading_what_it_is_shown(
    fake: FakeAzure, arc: AzureDns
) -> None:
    assert await arc.find_zone(NAME)
    assert fake.identities.asked[0]["api-version"] == "2020-06-01"
    assert "canary-arc-key" not in fake.received


async def test_a_session_without_the_environment_of_arc_finds_it(
    open_azure: OpenAzure, platform: Platform, tmp_path: Path
) -> None:
    agent = tmp_path / "himds"
    agent.touch()

    azure = open_azure(MANAGED, secrets={}, platform=replace(platform, arc_agent=agent))

    assert await azure.find_zone(NAME)


def plant(folder: Path, name: str, content: str = CANARY) -> str:
    path = folder / name
    path.write_text(content)
    return str(path)


def link(challenges: Path) -> str:
    target = plant(challenges.parent, "outside.key")
    (challenges / "link.key").symlink_to(target)
    return str(challenges / "link.key")


def pipe(challenges: Path) -> str:
    os.mkfifo(challenges / "pipe.key")
    return str(challenges / "pipe.key")


def folder(challenges: Path) -> str:
    (challenges / "folder.key").mkdir()
    return str(challenges / "folder.key")


@pytest.mark.parametrize(
    "realm",
    [
        pytest.param(lambda folder: plant(folder.parent, "elsewhere.key"), id="other folder"),
        pytest.param(lambda folder: plant(folder, "secret.txt"), id="other suffix"),
        pytest.param(
            lambda folder: f"{folder}/../{Path(plant(folder.parent, 'up.key')).name}", id="dots"
        ),
        pytest.param(link, id="link"),
        pytest.param(pipe, id="pipe"),
        pytest.param(lambda folder: plant(folder, "big.key", "x" * 4097), id="too large"),
        pytest.param(lambda folder: plant(folder, "lines.key", "a\nb"), id="several lines"),
        pytest.param(lambda folder: f"{folder}/missing.key", id="missing"),
        pytest.param(folder, id="folder"),
    ],
)
async def test_no_file_but_arcs_own_is_read_and_sent(
    fake: FakeAzure, arc: AzureDns, challenges: Path, realm: Callable[[Path], str]
) -> None:
    fake.identities.arc_realm = realm(challenges)

    error = await refused(arc.find_zone(NAME))

    assert error.kind == "auth"
    assert fake.identities.asked == []
    assert CANARY not in f"{error.message} {error.hint}"
    assert sum("/arc/" in call for call in fake.calls) == 1


async def test_who_may_not_read_the_file_is_told_of_the_group(
    fake: FakeAzure, arc: AzureDns, challenges: Path
) -> None:
    fake.identities.arc_realm = f"{challenges}/missing.key"

    error = await refused(arc.find_zone(NAME))

    assert "himds" in error.hint


async def test_a_server_has_no_user_assigned_identities(
    fake: FakeAzure, open_azure: OpenAzure, platform: Platform
) -> None:
    environment = {"IDENTITY_ENDPOINT": f"{fake.base_url}/arc/token", "IMDS_ENDPOINT": "http://x"}
    azure = open_azure(
        {**MANAGED, "client_id": CLIENT}, secrets={}, environment=environment, platform=platform
    )

    error = await refused(azure.find_zone(NAME))

    assert "user-assigned" in error.message
    assert "client_id" in error.hint
    assert fake.calls == []
