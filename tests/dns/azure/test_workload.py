"""Azure DNS: a workload that has a token of another issuer, from Kubernetes or GitHub Actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dns.azure.account import NAME, Clock, OpenAzure, refused
from tests.dns.fakes.azure import FakeAzure
from tests.dns.fakes.azure_identity import CLIENT, TENANT


def kubernetes(file: Path) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
    }


WORKLOAD = {"auth": "workload", "tenant_id": None, "client_id": None}


async def test_a_workload_identity_reads_its_token_anew_each_time(
    fake: FakeAzure, open_azure: OpenAzure, tmp_path: Path
) -> None:
    clock, file = Clock(), tmp_path / "token"
    azure = open_azure(WORKLOAD, secrets={}, environment=kubernetes(file), clock=clock)
    fake.identities.federated = {"eyJ.first.canary"}
    file.write_text("eyJ.first.canary\n")
    await azure.find_zone(NAME)

    fake.identities.federated = {"eyJ.second.canary"}
    file.write_text("eyJ.second.canary")
    clock.now += 4000
    await azure.find_zone(NAME)

    assert sum("/oauth2/" in call for call in fake.calls) == 2


@pytest.mark.parametrize("content", [None, "", "two words", "ö"])
async def test_a_token_file_without_a_token_is_named(
    fake: FakeAzure, open_azure: OpenAzure, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)

    error = await refused(
        open_azure(WORKLOAD, secrets={}, environment=kubernetes(file)).find_zone(NAME)
    )

    assert error.kind == "auth"
    assert str(file) in error.message


async def test_a_token_that_no_federated_credential_fits_is_told_as_that(
    fake: FakeAzure, open_azure: OpenAzure, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("canary-of-another-cluster")

    error = await refused(
        open_azure(WORKLOAD, secrets={}, environment=kubernetes(file)).find_zone(NAME)
    )

    assert error.raw_code == "AADSTS70021"
    assert "canary" not in f"{error.message} {error.hint}"


async def test_a_job_of_github_actions_asks_for_its_token(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    fake.identities.federated = {"eyJ.of-the-job.canary"}
    environment = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{fake.base_url}/oidc?job=7",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "canary-request-token",
    }

    zone = await open_azure({"auth": "workload"}, secrets={}, environment=environment).find_zone(
        NAME
    )

    assert zone.id == fake.zones[0].id


@pytest.mark.parametrize(
    ("url", "secret"),
    [("{base}/oidc?job=8", "canary-request-token"), ("http://10.0.0.1/x", "t"), ("{base}/x", "")],
)
async def test_a_job_that_gets_no_token_is_told_so(
    fake: FakeAzure, open_azure: OpenAzure, url: str, secret: str
) -> None:
    environment = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": url.format(base=fake.base_url),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
    }

    error = await refused(
        open_azure({"auth": "workload"}, secrets={}, environment=environment).find_zone(NAME)
    )

    assert error.kind == "auth"
    assert "canary" not in error.message


@pytest.mark.parametrize("environment", [{}, {"AZURE_FEDERATED_TOKEN_FILE": "/x"}])
async def test_no_workload_identity_is_told_with_the_way_to_one(
    open_azure: OpenAzure, environment: dict[str, str]
) -> None:
    error = await refused(open_azure(WORKLOAD, secrets={}, environment=environment).find_zone(NAME))

    assert error.kind == "auth"
    assert error.message.startswith("workload identity:")


async def test_the_platform_names_the_login_host_unless_the_account_does(
    fake: FakeAzure, open_azure: OpenAzure, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("eyJ.canary")
    fake.identities.federated = {"eyJ.canary"}
    named = {**kubernetes(file), "AZURE_AUTHORITY_HOST": f"{fake.base_url}/"}
    wrong = {**kubernetes(file), "AZURE_AUTHORITY_HOST": "http://login.test"}
    unset = {**WORKLOAD, "login_url": None}

    assert await open_azure(unset, secrets={}, environment=named).find_zone(NAME)
    assert await open_azure(WORKLOAD, secrets={}, environment=wrong).find_zone(NAME)
    error = await refused(open_azure(unset, secrets={}, environment=wrong).find_zone(NAME))

    assert "AZURE_AUTHORITY_HOST" in error.message
