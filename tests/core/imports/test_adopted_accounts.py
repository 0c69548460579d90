"""Accounts of other clients in the inventory, and which certificates they renew."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.core.errors import Refused
from kmtui.core.imports.outcome import Fate
from tests.core.imports.bringing import DIRECTORY, brought, combined, fates
from tests.core.imports.made import (
    certbot_account,
    certbot_lineage,
    lego_account,
    lego_certificate,
    made,
    written,
)
from tests.core.issuer import NOW

KEY = keys.generate("ec256")


async def test_an_account_comes_with_its_key_and_url_and_can_be_used(
    core: Core, tmp_path: Path
) -> None:
    certbot_lineage(tmp_path, "shop", [made()])
    certbot_account(tmp_path, KEY)

    await brought(core, tmp_path)

    account = await core.accounts.get("example-certbot")
    assert (account.ca, account.directory_url) == ("example", DIRECTORY)
    assert (account.account_url, account.status) == ("https://ca.example.org/acct/7", "valid")
    assert (account.email, account.certificates) == ("ops@example.org", 1)
    assert keys.to_pem(await core.accounts.key(account)) == keys.to_pem(KEY)


async def test_an_account_that_is_here_already_gets_the_certificates(
    core: Core, tmp_path: Path
) -> None:
    certbot_lineage(tmp_path / "1", "mail", [made("mail.example.org")])
    certbot_account(tmp_path / "1", KEY)
    lego_certificate(tmp_path / "2", made("shop.example.org"), "shop.example.org")
    lego_account(tmp_path / "2", KEY)
    await brought(core, tmp_path / "1")

    outcomes = await brought(core, tmp_path / "2")

    assert fates(outcomes)[0] == ("account", "example-certbot", "known")
    assert (await core.certificates.get("shop.example.org")).account == "example-certbot"


async def test_an_account_at_a_ca_that_is_not_known_waits_for_that(
    core: Core, tmp_path: Path
) -> None:
    certbot_lineage(tmp_path, "shop", [made()])
    certbot_account(tmp_path, KEY, place="other.example.org/dir")

    refused, taken = await brought(core, tmp_path)

    assert isinstance(refused.error, Refused)
    assert "kmtui ca add NAME --directory https://other.example.org/dir" in refused.error.hint
    assert (taken.fate, taken.account) == (Fate.NEW, None)
    await core.cas.add("other", directory_url="https://other.example.org/dir")
    account, again = await brought(core, tmp_path)
    assert (account.name, account.fate, again.fate) == ("other-certbot", Fate.NEW, Fate.KNOWN)


async def test_a_host_with_several_directories_is_told_by_the_accounts_path(
    core: Core, tmp_path: Path
) -> None:
    (tmp_path / "certificates").mkdir()
    lego_account(
        tmp_path,
        KEY,
        host="acme.ssl.com",
        url="https://acme.ssl.com/sslcom-dv-ecc/acct/12",
    )
    lego_account(
        tmp_path,
        keys.generate("ec256"),
        host="acme.ssl.com",
        email="b@example.org",
        url="https://acme.ssl.com/acct/13",
    )

    first, second = await brought(core, tmp_path)

    assert {first.ca, second.ca} == {"sslcom-ecc", None}
    refused = first if first.error else second
    assert refused.error is not None
    assert "sslcom-rsa, sslcom-ecc" in refused.error.message


async def test_a_second_account_where_one_is_allowed_is_refused(core: Core, tmp_path: Path) -> None:
    place = "api.buypass.com/acme/directory"
    (tmp_path / "archive").mkdir()
    (tmp_path / "renewal").mkdir()
    certbot_account(tmp_path, KEY, place=place, identity="1")
    other = keys.generate("ec256")
    certbot_account(tmp_path, other, place=place, identity="2", url="https://ca.example.org/acct/8")

    outcomes = await brought(core, tmp_path)

    assert (outcomes[0].name, outcomes[0].fate) == ("buypass-certbot", Fate.NEW)
    assert isinstance(outcomes[1].error, Refused)
    assert "allows one account" in outcomes[1].error.message


async def test_a_certificate_that_had_no_account_gets_that_of_its_client(
    core: Core, tmp_path: Path
) -> None:
    certbot_lineage(tmp_path / "1", "shop", [made()])
    await brought(core, tmp_path / "1")
    renewed = made(begins=NOW - timedelta(hours=1))
    certbot_lineage(tmp_path / "2", "shop", [renewed])
    certbot_account(tmp_path / "2", KEY)

    await brought(core, tmp_path / "2")

    assert (await core.certificates.get("shop")).account == "example-certbot"


async def test_without_an_account_a_renewal_says_what_to_do(core: Core, tmp_path: Path) -> None:
    await brought(core, written(tmp_path / "shop.pem", combined(made("shop.example.org"))))

    (outcome,) = await core.renewal.renew(["shop.example.org"])

    assert outcome.error is not None
    assert "kmtui cert set shop.example.org --account" in outcome.error.hint


@pytest.mark.parametrize("strange", ["\\ud800@example.org", "a b@example.org", "x", "@"])
async def test_what_is_noted_of_an_account_may_be_anything(
    core: Core, tmp_path: Path, strange: str
) -> None:
    certbot_lineage(tmp_path, "shop", [made()])
    folder = certbot_account(tmp_path, KEY)
    note = '{"uri": "https://ca.example.org/%s", "body": {"contact": ["mailto:%s"]}}'
    written(folder / "regr.json", note % (strange, strange))

    account, _ = await brought(core, tmp_path)

    assert account.fate == Fate.NEW
    assert (await core.accounts.get("example-certbot")).email is None
