"""Who an AWS account is used as: keys, profiles, roles, and what a platform hands out."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from kmtui.core.dns.provider import DnsProvider, Surroundings
from kmtui.core.dns.registry import open_provider
from kmtui.core.errors import DnsProviderError, InvalidInput
from tests.dns.cases import case
from tests.dns.fakes.route53 import ROLE, FakeRoute53
from tests.dns.fakes.sigv4 import Keys
from tests.dns.opening import Opening
from tests.dns.setting import NAME, ZONE

NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true"}
"""An environment in which nobody hands out anything."""
OTHER = Keys("AKIAKMTUIOTHERUSER02", "other-canary/secret+key/0123456789abcdef")
TEMPORARY = Keys(
    "ASIAKMTUITEMPORARY03", "temporary-canary/secret+key/0123456789", "token-canary/+="
)


@pytest.fixture
def vendor() -> Iterator[FakeRoute53]:
    vendor = FakeRoute53()
    vendor.known |= {OTHER.access_key_id: OTHER, TEMPORARY.access_key_id: TEMPORARY}
    vendor.start()
    vendor.add_zone(ZONE)
    yield vendor
    vendor.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with the shared files of the AWS tools."""
    (tmp_path / ".aws").mkdir()
    return tmp_path


def as_variables(keys: Keys) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
    }


def as_profile(keys: Keys) -> str:
    return "\n".join(f"{name.lower()} = {value}" for name, value in as_variables(keys).items())


def within(
    opened: Opening, environment: Mapping[str, str], secrets: dict[str, str], **settings: str
) -> DnsProvider:
    """An account in an environment, without keys of its own unless `settings` have them."""
    around = Surroundings(environment={**NOWHERE, **environment})
    return opened.around(around, secrets, **{"access_key_id": "", **settings})


def signed_by(vendor: FakeRoute53) -> set[str]:
    """Whose keys Route 53 was asked with."""
    return {key for operation, key in vendor.signers if operation != "AssumeRole"}


# --- where credentials come from ------------------------------------------------------------------


async def test_temporary_keys_are_used_with_their_token(
    vendor: FakeRoute53, opened: Opening
) -> None:
    secrets = {
        "secret_access_key": TEMPORARY.secret_access_key,
        "session_token": TEMPORARY.session_token + "\n",
    }

    await within(opened, {}, secrets, access_key_id=TEMPORARY.access_key_id).find_zone(NAME)

    assert signed_by(vendor) == {TEMPORARY.access_key_id}


async def test_without_keys_those_of_the_environment_are_used(
    vendor: FakeRoute53, opened: Opening
) -> None:
    await within(opened, as_variables(TEMPORARY), {}).find_zone(NAME)

    assert signed_by(vendor) == {TEMPORARY.access_key_id}


@case(19)
async def test_keys_of_the_form_win_over_the_environment(
    vendor: FakeRoute53, opened: Opening
) -> None:
    environment = as_variables(TEMPORARY) | {"AWS_PROFILE": "nobody", "AWS_REGION": "cn-north-1"}
    key = vendor.keys.access_key_id

    await within(opened, environment, vendor.secrets, access_key_id=key).find_zone(NAME)

    assert signed_by(vendor) == {key}


@pytest.mark.parametrize("chosen", ["by the form", "by the environment"])
async def test_a_profile_is_read_from_the_shared_files(
    vendor: FakeRoute53, opened: Opening, home: Path, chosen: str
) -> None:
    (home / ".aws/credentials").write_text(f"[default]\n{as_profile(OTHER)}\n[dns]\n")
    (home / ".aws/config").write_text(f"[profile dns]\n{as_profile(TEMPORARY)}\n")
    by_form = chosen == "by the form"
    environment = {"HOME": str(home)} | ({} if by_form else {"AWS_PROFILE": "dns"})

    await within(opened, environment, {}, profile="dns" if by_form else "").find_zone(NAME)

    assert signed_by(vendor) == {TEMPORARY.access_key_id}


async def test_a_profile_of_the_form_wins_over_keys_in_the_environment(
    vendor: FakeRoute53, opened: Opening, home: Path
) -> None:
    (home / "files").write_text(f"[dns]\n{as_profile(OTHER)}\n")
    environment = {**as_variables(TEMPORARY), "AWS_SHARED_CREDENTIALS_FILE": str(home / "files")}

    await within(opened, environment, {}, profile="dns").find_zone(NAME)

    assert signed_by(vendor) == {OTHER.access_key_id}


async def test_a_profile_may_lead_to_a_role(
    vendor: FakeRoute53, opened: Opening, home: Path
) -> None:
    (home / ".aws/config").write_text(
        f"[profile base]\n{as_profile(OTHER)}\n[profile dns]\nrole_arn = {ROLE}\n"
        "source_profile = base\n"
    )

    await within(opened, {"HOME": str(home)}, {}, profile="dns").find_zone(NAME)

    assert [asked["RoleArn"] for asked in vendor.roles] == [ROLE]
    assert signed_by(vendor).isdisjoint({OTHER.access_key_id})


@case(19)
async def test_what_this_process_has_around_it_counts_for_nothing(
    vendor: FakeRoute53, opened: Opening, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in as_variables(OTHER).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ROUTE_53"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "nowhere-1")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")
    monkeypatch.setenv("HOME", str(home))
    (home / ".aws/credentials").write_text(f"[default]\n{as_profile(OTHER)}\n")

    with pytest.raises(DnsProviderError) as caught:
        await within(opened, {}, {}).find_zone(NAME)
    await within(opened, as_variables(TEMPORARY), {}).find_zone(NAME)

    assert caught.value.kind == "auth"
    assert "no AWS credentials were found" in caught.value.message
    assert signed_by(vendor) == {TEMPORARY.access_key_id}


# --- what platforms hand out ----------------------------------------------------------------------


@pytest.fixture
async def platform() -> AsyncIterator[str]:
    """A container's and a machine's metadata service."""
    end = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {
        "Code": "Success",
        "AccessKeyId": TEMPORARY.access_key_id,
        "SecretAccessKey": TEMPORARY.secret_access_key,
        "Token": TEMPORARY.session_token,
        "Expiration": end,
    }

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/security-credentials/"):
            return web.Response(text="dns")
        return web.json_response(found)

    async def token(request: web.Request) -> web.Response:
        return web.Response(text="metadata-token")

    app = web.Application()
    app.add_routes([web.put("/{rest:.*}", token), web.get("/{rest:.*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{}/keys"},
        {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{}/"},
    ],
    ids=["container", "machine"],
)
async def test_the_role_of_a_container_or_a_machine_is_used(
    vendor: FakeRoute53, opened: Opening, platform: str, environment: dict[str, str]
) -> None:
    around = {name: value.format(platform) for name, value in environment.items()}

    await within(opened, around, {}).find_zone(NAME)

    assert signed_by(vendor) == {TEMPORARY.access_key_id}


async def test_an_identity_token_of_the_platform_is_changed_for_a_role(
    vendor: FakeRoute53, opened: Opening, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("identity-token-of-a-pod")
    around = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE}

    await within(opened, around, {}).find_zone(NAME)

    assert [asked["WebIdentityToken"] for asked in vendor.roles] == ["identity-token-of-a-pod"]


# --- roles ----------------------------------------------------------------------------------------


async def test_a_role_is_assumed_with_its_external_id(vendor: FakeRoute53, opened: Opening) -> None:
    vendor.external_id = "kmtui-1234"

    await opened(role_arn=ROLE, external_id="kmtui-1234").find_zone(NAME)

    assert [asked["RoleArn"] for asked in vendor.roles] == [ROLE]
    assert [asked["RoleSessionName"] for asked in vendor.roles] == ["kmtui"]
    assert vendor.keys.access_key_id not in signed_by(vendor)


async def test_a_role_can_be_assumed_with_what_the_environment_hands_out(
    vendor: FakeRoute53, opened: Opening
) -> None:
    await within(opened, as_variables(OTHER), {}, role_arn=ROLE).find_zone(NAME)

    assert ("AssumeRole", OTHER.access_key_id) in vendor.signers
    assert OTHER.access_key_id not in signed_by(vendor)


async def test_credentials_of_a_role_are_renewed_before_they_end(
    vendor: FakeRoute53, opened: Opening
) -> None:
    vendor.role_seconds = 60
    route53 = opened(role_arn=ROLE)
    zone = await route53.find_zone(NAME)

    await route53.add(zone, NAME, {"ours"}, 60)

    assert len(vendor.roles) > 1
    assert vendor.txt(NAME) == [("ours",)]


async def test_good_credentials_of_a_role_are_kept(vendor: FakeRoute53, opened: Opening) -> None:
    route53 = opened(role_arn=ROLE)
    zone = await route53.find_zone(NAME)

    await route53.add(zone, NAME, {"ours"}, 60)

    assert len(vendor.roles) == 1


# --- what cannot work -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({"access_key_id": OTHER.access_key_id}, (), "secret_access_key"),
        ({}, ("secret_access_key",), "access_key_id"),
        ({}, ("session_token",), "access_key_id"),
        ({"access_key_id": OTHER.access_key_id}, ("session_token",), "secret_access_key"),
        ({"access_key_id": "short"}, ("secret_access_key",), "access_key_id"),
        ({"access_key_id": "a secret/with+signs0"}, ("secret_access_key",), "access_key_id"),
        ({"external_id": "1234"}, (), "role_arn"),
        ({"role_arn": "dns"}, (), "role_arn"),
        ({"role_arn": "arn:aws:iam::123456789012:user/dns"}, (), "role_arn"),
        ({"region": "Frankfurt"}, (), "region"),
        ({"hosted_zone_id": ZONE}, (), "hosted_zone_id"),
        ({"base_url": "http://route53.example.org"}, (), "base_url"),
        (
            {"access_key_id": OTHER.access_key_id, "profile": "dns"},
            ("secret_access_key",),
            "profile",
        ),
    ],
)
def test_a_form_that_cannot_work_names_the_field(
    settings: dict[str, str], secrets: tuple[str, ...], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_provider("route53", settings, dict.fromkeys(secrets, "c2VjcmV0"))

    assert caught.value.field == field
    assert "c2VjcmV0" not in caught.value.message


@pytest.mark.parametrize("secret", ["two words", "\x1b[31m", b"\xff\xfe", "schlüssel"])
def test_a_secret_that_aws_never_hands_out_is_refused_and_not_shown(secret: str | bytes) -> None:
    settings = {"access_key_id": OTHER.access_key_id}

    with pytest.raises(InvalidInput) as caught:
        open_provider("route53", settings, {"secret_access_key": secret})

    assert caught.value.field == "secret_access_key"
    assert str(secret) not in caught.value.message


async def test_a_profile_that_does_not_exist_is_told(
    vendor: FakeRoute53, opened: Opening, home: Path
) -> None:
    with pytest.raises(DnsProviderError) as caught:
        await within(opened, {"HOME": str(home)}, {}, profile="nobody").find_zone(NAME)

    assert caught.value.kind == "auth"
    assert "nobody" in caught.value.message
    assert "`profile`" in caught.value.hint


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        (
            f"role_arn = {ROLE}\nsource_profile = dns\nmfa_serial = arn:x\n",
            "unsupported",
            "one-time",
        ),
        ("sso_start_url = https://sso.example.org\nsso_region = eu-central-1\n", "auth", "AWS"),
        (
            "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dns\n"
            "[sso-session corp]\nsso_start_url = https://sso.example.org\n"
            "sso_region = eu-central-1\n",
            "auth",
            "single sign-on",
        ),
        ("credential_process = /nowhere/keys\n", "auth", "cannot be"),
        ("source_profile = nobody\nrole_arn = arn:aws:iam::123456789012:role/x\n", "auth", "AWS"),
    ],
    ids=["one-time password", "half single sign-on", "not signed on", "no program", "no source"],
)
async def test_a_profile_that_cannot_be_used_is_told(
    vendor: FakeRoute53, opened: Opening, home: Path, config: str, kind: str, words: str
) -> None:
    keys = "" if "credential" in config or "sso" in config else as_profile(OTHER)
    (home / ".aws/config").write_text(f"[profile dns]\n{keys}\n{config}")

    with pytest.raises(DnsProviderError) as caught:
        await within(opened, {"HOME": str(home)}, {}, profile="dns").find_zone(NAME)

    assert caught.value.kind == kind
    assert words in caught.value.message
    assert caught.value.hint


# --- secrets --------------------------------------------------------------------------------------


async def test_credentials_of_every_kind_stay_out_of_log_and_errors(
    vendor: FakeRoute53, opened: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {
        "secret_access_key": TEMPORARY.secret_access_key,
        "session_token": TEMPORARY.session_token,
    }
    route53 = within(opened, {}, secrets, access_key_id=TEMPORARY.access_key_id, role_arn=ROLE)

    await route53.find_zone(NAME)
    vendor.refusals["ListResourceRecordSets"] = (
        "SignatureDoesNotMatch",
        "x:" + json.dumps(secrets),
    )
    report = await route53.check([NAME])

    role = next(keys for keys in vendor.known.values() if keys.session_token not in ("", TEMPORARY))
    said = [record.getMessage() for record in caplog.records]
    said += [line.text for line in report.lines] + [repr(vars(route53)), vendor.received]
    assert not report.ok
    for canary in (*secrets.values(), role.secret_access_key, role.session_token):
        assert not [text for text in said if canary in text]
