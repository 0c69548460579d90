"""Azure DNS: the Azure CLI's sign-in, the choice among all ways, and settings that cannot work."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kmtui.core.dns import azure_cli
from kmtui.core.dns.azure import AzureDns
from kmtui.core.dns.azure_managed import Platform
from kmtui.core.errors import InvalidInput
from tests.dns.azure.account import NAME, NO_PLATFORM, NOWHERE, OpenAzure, publish, refused
from tests.dns.azure.certificates import application
from tests.dns.fakes.azure import SUBSCRIPTION, FakeAzure
from tests.dns.fakes.azure_identity import CLIENT, TENANT

CLI = {"auth": "cli", "tenant_id": None, "client_id": None}


class Az:
    """A program named ``az``, which does what its script says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}

    def does(self, script: str) -> None:
        program = self.folder / "az"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {self.folder}/arguments\n{script}\n')
        program.chmod(0o755)

    def answers(self, answer: object) -> None:
        (self.folder / "answer").write_text(json.dumps(answer))
        self.does(f"echo 'WARNING: a newer version is there' >&2; cat {self.folder}/answer")

    @property
    def arguments(self) -> list[str]:
        return (self.folder / "arguments").read_text().splitlines()


@pytest.fixture
def az(tmp_path: Path) -> Az:
    return Az(tmp_path)


@pytest.fixture
def azure(open_azure: OpenAzure, az: Az) -> AzureDns:
    return open_azure(CLI, secrets={}, environment=az.environment)


def token_of(fake: FakeAzure) -> str:
    return str(fake.identities.issue("operator")["access_token"])


@pytest.mark.parametrize(
    "end",
    [
        {"expires_on": int(time.time()) + 3600, "expiresOn": "2020-01-01 00:00:00.000000"},
        {"expiresOn": "2999-01-01 00:00:00.000000"},
        {"expiresOn": "soon"},
    ],
)
async def test_whoever_signed_in_with_the_azure_cli_is_used(
    fake: FakeAzure,
    azure: AzureDns,
    az: Az,
    end: dict[str, object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    token = token_of(fake)
    az.answers({"accessToken": token, "tokenType": "Bearer", **end})

    await publish(azure, "ours")

    assert fake.txt(NAME) == [("ours",)]
    assert az.arguments[:4] == [
        "account",
        "get-access-token",
        "--resource",
        "https://management.azure.com/",
    ]
    assert az.arguments[-2:] == ["--subscription", SUBSCRIPTION]
    assert token not in caplog.text


async def test_a_tenant_that_is_set_is_signed_in_to(
    fake: FakeAzure, open_azure: OpenAzure, az: Az
) -> None:
    az.answers({"accessToken": token_of(fake)})

    await open_azure({"auth": "cli"}, secrets={}, environment=az.environment).find_zone(NAME)

    assert az.arguments[-2:] == ["--tenant", TENANT]


async def test_who_is_not_signed_in_is_told_to(azure: AzureDns, az: Az) -> None:
    az.does(
        "echo WARNING: x >&2; echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1"
    )

    error = await refused(azure.find_zone(NAME))

    assert error.kind == "auth"
    assert error.message == "Azure CLI: Please run 'az login' to setup account."
    assert "az login" in error.hint


async def test_a_sign_in_that_is_over_is_told_as_that(azure: AzureDns, az: Az) -> None:
    az.does("echo 'ERROR: AADSTS700082: The refresh token has expired.' >&2; exit 1")

    error = await refused(azure.find_zone(NAME))

    assert (error.kind, error.raw_code) == ("auth", "AADSTS700082")
    assert "az login" in error.hint


@pytest.mark.parametrize(
    "script", ["echo '{}'", "echo nothing", "echo ']{', '}['", "true", "exit 3"]
)
async def test_no_token_is_an_error(azure: AzureDns, az: Az, script: str) -> None:
    az.does(script)

    error = await refused(azure.find_zone(NAME))

    assert error.kind == "auth"
    assert "`az`" in error.message


async def test_a_program_that_cannot_be_started_is_an_error(azure: AzureDns, az: Az) -> None:
    az.does("")
    (az.folder / "az").write_text("#!/nonexistent/python\n")

    error = await refused(azure.find_zone(NAME))

    assert "cannot be started" in error.message


async def test_no_azure_cli_is_an_error(azure: AzureDns) -> None:
    error = await refused(azure.find_zone(NAME))

    assert error.message == "Azure CLI: `az` is not in PATH"


def ended(process: int) -> bool:
    """Whether a process is gone, but for its exit code."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


async def until(true: Callable[[], bool]) -> None:
    """Wait up to five seconds."""
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("end", ["time limit", "cancelled"])
async def test_an_azure_cli_that_hangs_is_ended_with_all_it_started(
    azure: AzureDns, az: Az, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = az.folder / "started"
    az.does(f"sleep 60 & echo $! > {note}.part; mv {note}.part {note}; wait")
    if end == "time limit":
        monkeypatch.setattr(azure_cli, "SECONDS", 0.5)
        error = await refused(azure.find_zone(NAME))
        assert error.kind == "transient"
    else:
        task = asyncio.create_task(azure.find_zone(NAME))
        await until(note.exists)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = int(note.read_text())
    await until(lambda: ended(started))


# The first way that there is

AUTO = {"auth": "auto", "tenant_id": None, "client_id": None}


async def test_when_no_way_works_each_is_named_with_its_reason(open_azure: OpenAzure) -> None:
    error = await refused(open_azure(AUTO, secrets={}).find_zone(NAME))

    assert error.kind == "auth"
    for reason in (
        "client secret: no `client_secret`",
        "certificate: no `certificate`",
        "workload identity: AZURE_FEDERATED_TOKEN_FILE",
        "managed identity: this host does not run on Azure",
        "Azure CLI: `az` is not in PATH",
    ):
        assert reason in error.message
    assert "`auth`" in error.hint


async def test_the_first_way_that_there_is_is_kept_to(
    fake: FakeAzure, open_azure: OpenAzure, az: Az
) -> None:
    az.answers({"accessToken": token_of(fake)})
    machine = Platform(imds=fake.base_url, arc_agent=NOWHERE)
    fake.identities.machine = {"system"}
    azure = open_azure(AUTO, secrets={}, environment=az.environment, platform=machine)

    await azure.find_zone(NAME)
    fake.identities.tokens.clear()
    await publish(azure, "ours")

    assert len(fake.identities.asked) == 2
    assert not (az.folder / "arguments").exists()


async def test_the_next_way_is_tried_where_a_machine_has_no_identity(
    fake: FakeAzure, open_azure: OpenAzure, az: Az
) -> None:
    az.answers({"accessToken": token_of(fake)})
    machine = Platform(imds=fake.base_url, arc_agent=NOWHERE)

    report = await open_azure(
        AUTO, secrets={}, environment=az.environment, platform=machine
    ).check()

    assert report.ok
    assert report.lines[0].text == "signed in to Azure by Azure CLI"


async def test_a_refused_secret_is_not_replaced_by_somebody_elses_sign_in(
    fake: FakeAzure, open_azure: OpenAzure, az: Az
) -> None:
    az.answers({"accessToken": token_of(fake)})
    azure = open_azure(
        {"auth": "auto"}, secrets={"client_secret": "wrong"}, environment=az.environment
    )

    error = await refused(azure.find_zone(NAME))

    assert error.raw_code == "AADSTS7000215"
    assert not (az.folder / "arguments").exists()


async def test_a_secret_comes_before_a_certificate(fake: FakeAzure, open_azure: OpenAzure) -> None:
    secrets = {**fake.secrets, "certificate": application().pem()}

    report = await open_azure({"auth": "auto"}, secrets=secrets).check()

    assert report.lines[0].text == "signed in to Azure by client secret"


# What cannot work


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({"tenant_id": None}, {"client_secret": "x"}, "tenant_id"),
        ({"client_id": None}, {"client_secret": "x"}, "client_id"),
        ({}, {}, "client_secret"),
        ({"auth": "certificate"}, {"client_secret": "x"}, "certificate"),
        ({"auth": "auto", "tenant_id": None}, {"client_secret": "x"}, "tenant_id"),
        ({"auth": "auto", "client_id": None}, {"certificate": "x"}, "client_id"),
        ({"auth": "password"}, {}, "auth"),
        ({"cloud": "germany"}, {}, "cloud"),
        ({"keep_record": "maybe"}, {}, "keep_record"),
        ({"tenant_id": "../x"}, {}, "tenant_id"),
        ({"tenant_id": "common"}, {}, "tenant_id"),
        ({"client_id": "my app"}, {}, "client_id"),
        ({"subscription_id": "production"}, {}, "subscription_id"),
        ({"resource_group": "a/b"}, {}, "resource_group"),
        ({"base_url": "http://management.test"}, {}, "base_url"),
        ({"login_url": "http://login.test"}, {}, "login_url"),
        ({"login_url": "login.test"}, {}, "login_url"),
        ({"zones": "a..b"}, {}, "zones"),
    ],
)
def test_a_form_that_cannot_work_names_the_field(
    open_azure: OpenAzure,
    settings: dict[str, str | None],
    secrets: dict[str, str],
    field: str,
) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_azure(settings, secrets=secrets)

    assert caught.value.field == field


def test_an_account_on_azure_needs_no_setting_at_all() -> None:
    assert AzureDns({}, {}, platform=NO_PLATFORM).endpoints == ()


def test_nothing_secret_is_in_what_an_account_looks_like(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    azure = open_azure()

    assert fake.secrets["client_secret"] not in repr(vars(azure))
    assert CLIENT not in repr(azure)
