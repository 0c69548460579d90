"""``cert import``: what is printed, what a dry run leaves alone, and the exit codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from kmtui.core import keys
from kmtui.core.formats.pkcs12 import modern
from tests.cli.conftest import CANARY, Run
from tests.core.formats.test_jks import PASSWORD, SHOP
from tests.core.imports.made import Made, certbot_account, certbot_lineage, made, written

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def fresh(*names: str) -> Made:
    """A certificate that is valid today, whatever today is."""
    return made(*names, begins=YESTERDAY)


@pytest.fixture
def vault(run: Run) -> Run:
    run("vault", "init")
    return run


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """certbot's state with one certificate and the account that renews it."""
    root = tmp_path / "letsencrypt"
    versions = [made("shop.example.org", begins=YESTERDAY - timedelta(days=60)), fresh()]
    certbot_lineage(root, "shop.example.org", versions)
    certbot_account(root, keys.generate("ec256"))
    return root


def test_a_state_directory_comes_with_its_account(vault: Run, state: Path) -> None:
    vault("ca", "add", "example", "--directory", "https://ca.example.org/directory")

    document = vault("cert", "import", str(state))

    assert document["dry_run"] is False
    account, certificate = document["imports"]
    assert (account["type"], account["name"], account["ca"], account["outcome"]) == (
        "account",
        "example-certbot",
        "example",
        "new",
    )
    assert certificate["versions"] == 2
    assert certificate["account"] == "example-certbot"
    shown = vault("cert", "show", "shop.example.org", unlocked=False)
    assert shown["certificate"]["id"] == certificate["id"]
    assert shown["certificate"]["status"] == "valid"
    history = vault("cert", "history", "shop.example.org", unlocked=False)["versions"]
    assert [(each["number"], each["why"], each["has_key"]) for each in history] == [
        (2, "imported", True),
        (1, "imported", True),
    ]


def test_a_dry_run_needs_no_key_and_stores_nothing(vault: Run, state: Path) -> None:
    document = vault("cert", "import", str(state), "--dry-run", code=3, unlocked=False)

    assert [(each["type"], each["outcome"]) for each in document["imports"]] == [
        ("account", "failed"),
        ("certificate", "new"),
    ]
    assert "kmtui ca add NAME --directory" in document["imports"][0]["error"]["hint"]
    assert vault("cert", "list", "--all", unlocked=False)["certificates"] == []


def test_the_table_says_what_would_come_in_words(
    vault: Run, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(state / "archive" / "x\x1b[2J" / "cert1.pem", "-----BEGIN CERTIFICATE-----\n")
    (state / "archive" / "shop.example.org" / "privkey1.pem").unlink()

    code = cli.run(["--data", str(tmp_path / "data"), "cert", "import", str(state), "--dry-run"])

    said = capsys.readouterr()
    assert code == 3
    head, *rows, _, summary = said.out.splitlines()
    assert head.split("  ")[0] == "WHAT"
    (row,) = [row for row in rows if row.startswith("certificate")]
    assert " new " in row
    assert "1 without" in row
    assert summary == "1 certificate would come, 2 cannot be imported"
    assert "hint: kmtui ca add" in said.err
    assert "\x1b" not in said.out + said.err


def test_a_store_opens_with_its_password(vault: Run, tmp_path: Path) -> None:

    store = written(tmp_path / "shop.p12", modern(SHOP, PASSWORD))
    password = written(tmp_path / "password", f"{PASSWORD}\n")

    refused = vault("cert", "import", str(store), code=2)
    taken = vault("cert", "import", str(store), "--password-file", str(password))

    assert refused["error"]["field"] == "password-file"
    assert taken["imports"][0]["versions_without_key"] == 0


def test_importing_twice_is_fine_and_says_so(vault: Run, tmp_path: Path) -> None:
    shop = fresh("shop.example.org")
    path = written(tmp_path / "shop.pem", shop.key_pem + shop.fullchain_pem)
    vault("cert", "import", str(path))

    again = vault("cert", "import", str(path))

    assert [each["outcome"] for each in again["imports"]] == ["known"]


def test_one_bad_file_among_good_ones_is_partly_done(vault: Run, tmp_path: Path) -> None:
    good = written(tmp_path / "good.pem", fresh("shop.example.org").cert_pem)
    bad = written(tmp_path / "bad.pem", f"-----BEGIN CERTIFICATE-----\n{CANARY}\n")

    document = vault("cert", "import", str(good), str(bad), code=3)

    assert [each["outcome"] for each in document["imports"]] == ["new", "failed"]
    assert document["imports"][1]["from"] == str(bad)


def test_a_server_that_is_not_there_fails(vault: Run) -> None:
    document = vault("cert", "import", "127.0.0.1:1", "--live", code=1)

    assert document["error"]["code"] == "end-server"


def test_what_is_imported_can_be_exported_again(vault: Run, tmp_path: Path) -> None:
    shop = fresh("shop.example.org")
    path = written(tmp_path / "shop.pem", shop.key_pem + shop.fullchain_pem)
    vault("cert", "import", str(path))

    out = tmp_path / "again.pem"
    vault(
        *("cert", "export", "shop.example.org", "--format", "pem", "--with-key"),
        *("--out", str(out)),
    )

    assert out.read_bytes() == path.read_bytes()
