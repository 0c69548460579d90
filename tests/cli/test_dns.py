"""DNS accounts from the command line: changed in place, without a secret among the arguments."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.cli.conftest import CANARY, Run

SECRET = base64.b64encode(CANARY.encode()).decode()


@pytest.fixture
def account(run: Run, tmp_path: Path) -> Run:
    """An inventory with the DNS account ns1."""
    (tmp_path / "key").write_text(SECRET)
    run("vault", "init")
    run(
        *("dns", "add", "ns1", "--provider", "rfc2136", "--zone", "example.org"),
        *("--set", "server=192.0.2.1", "--set", "tsig_name=kmtui.", "--set", "ttl=300"),
        *("--secret", f"tsig_secret=@{tmp_path / 'key'}"),
    )
    return run


def test_what_is_named_changes_and_the_rest_stays(account: Run) -> None:
    changed = account("dns", "update", "ns1", "--set", "server=192.0.2.2", "--set", "ttl=")

    row = changed["dns_account"]
    assert row == account("dns", "show", "ns1")["dns_account"]
    assert row["settings"] == {"server": "192.0.2.2", "tsig_name": "kmtui."}
    assert (row["zones"], row["secrets"]) == (["example.org"], ["tsig_secret"])


def test_secrets_and_zones_are_replaced(account: Run, tmp_path: Path) -> None:
    changed = account(
        *("dns", "update", "ns1", "--zone", "example.net", "--zone", "example.com"),
        *("--set", "tsig_name=", "--secret", "tsig_secret="),
    )

    assert changed["dns_account"]["zones"] == ["example.net", "example.com"]
    assert changed["dns_account"]["secrets"] == []
    again = account("dns", "update", "ns1", "--zone", "")
    assert again["dns_account"]["zones"] == []


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ((), 2, "set"),
        (("--set", "nonsense=1"), 2, "nonsense"),
        (("--set", f"tsig_secret={SECRET}"), 2, "tsig_secret"),
        (("--secret", f"tsig_secret={SECRET}"), 2, "tsig_secret"),
        (("--set", "server="), 2, "server"),
    ],
)
def test_what_cannot_be_names_its_field(
    account: Run, options: tuple[str, ...], code: int, field: str
) -> None:
    before = account("dns", "show", "ns1")

    refused = account("dns", "update", "ns1", *options, code=code)

    assert refused["error"]["field"] == field
    assert account("dns", "show", "ns1") == before


def test_an_account_that_is_not_there_is_code_5(account: Run) -> None:
    assert account("dns", "update", "ns2", "--set", "ttl=1", code=5)["error"]["code"] == "not-found"


def test_the_activity_names_what_was_changed(account: Run) -> None:
    account("dns", "update", "ns1", "--set", "ttl=60")

    (line,) = [each for each in account("activity")["activity"] if each["action"] == "dns update"]
    assert line["detail"] == "ttl"
