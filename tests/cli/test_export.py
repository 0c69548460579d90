"""``cert export``: who gets the password, what is printed, and the exit codes."""

from __future__ import annotations

import asyncio
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from kmtui.cli import main as cli
from kmtui.core.core import Core
from kmtui.core.formats.registry import FORMATS
from tests.cli.conftest import Run
from tests.core.deployment import stock


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Run:
    """An inventory with two certificates, one of which came without its key."""
    run("vault", "init")

    async def fill() -> None:
        core = await Core.open(tmp_path / "data", actor="tester@here")
        await core.access.unlock_with_key_file(tmp_path / "vault.key")
        await stock.version(core, await stock.certificate(core, "shop.example.org"))
        keyless = await stock.certificate(core, "keyless.example.org")
        await stock.version(core, keyless, with_key=False)
        await core.close()

    asyncio.run(fill())
    return run


def test_the_files_are_listed_and_hold_what_was_asked_for(shop: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    document = shop(
        *("cert", "export", "shop.example.org", "--format", "pem", "--with-key"),
        *("--out", str(tmp_path / "out")),
    )

    names = ["cert.pem", "fullchain.pem", "chain.pem", "privkey.pem"]
    assert document["export"] == {
        "certificate": "shop.example.org",
        "version": 1,
        "format": "pem",
        "files": [str(tmp_path / "out" / name) for name in names],
        "has_key": True,
        "error": None,
    }
    assert "PRIVATE KEY" in (tmp_path / "out" / "privkey.pem").read_text()


def test_a_trailing_slash_asks_for_a_directory(shop: Run, tmp_path: Path) -> None:
    out = f"{tmp_path}/new/"

    document = shop("cert", "export", "shop.example.org", "--format", "der", "--out", out)

    assert document["export"]["files"] == [f"{tmp_path}/new/cert.der"]


def test_a_password_of_ones_own_is_taken_and_a_short_one_warned_about(
    shop: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("short one\n")
    out = tmp_path / "shop.p12"

    code = cli.run(
        [
            *("--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "vault.key")),
            *("cert", "export", "shop.example.org", "--format", "p12", "--out", str(out)),
            *("--password-file", str(tmp_path / "password")),
        ]
    )

    said = capsys.readouterr()
    assert code == 0
    assert pkcs12.load_pkcs12(out.read_bytes(), b"short one").key is not None
    assert "fewer than 16 characters" in said.err
    assert said.out == f"shop.example.org: version 1, with its key\n  {out}\n"
    assert "short one" not in said.out + said.err


def test_a_new_password_is_kept_where_asked_and_never_in_the_document(
    shop: Run, tmp_path: Path
) -> None:
    kept, out = tmp_path / "password", tmp_path / "shop.p12"

    document = shop(
        *("cert", "export", "shop.example.org", "--format", "p12", "--out", str(out)),
        *("--password-out", str(kept)),
    )

    password = kept.read_text().strip()
    assert len(password) == 24
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert pkcs12.load_pkcs12(out.read_bytes(), password.encode()).key is not None
    assert password not in str(document)


def test_somebody_at_the_terminal_is_shown_the_new_password_once(
    shop: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    out = tmp_path / "shop.p12"

    code = cli.run(
        [
            *("--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "vault.key")),
            *("cert", "export", "shop.example.org", "--format", "p12", "--out", str(out), "--json"),
        ]
    )

    said = capsys.readouterr()
    assert code == 0
    (line,) = [line for line in said.err.splitlines() if line.startswith("password: ")]
    password = line.removeprefix("password: ")
    assert pkcs12.load_pkcs12(out.read_bytes(), password.encode()).key is not None
    assert password not in said.out


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--format", "p12"], "password-out"),
        (["--format", "p12", "--password-file", "{tmp}/none"], "password-file"),
        (["--format", "p12", "--password-file", "{tmp}/empty"], "password-file"),
        (
            ["--format", "p12", "--password-file", "{tmp}/empty", "--password-out", "{tmp}/x"],
            "password-out",
        ),
        (["--format", "pem", "--password-out", "{tmp}/x"], "password-out"),
        (["--format", "zip"], "format"),
    ],
)
def test_what_would_leave_a_file_that_nobody_can_open_is_refused(
    shop: Run, tmp_path: Path, arguments: list[str], field: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    given = [word.format(tmp=tmp_path) for word in arguments]

    document = shop(
        "cert", "export", "shop.example.org", "--out", str(tmp_path / "out"), *given, code=2
    )

    assert document["error"]["field"] == field
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "x").exists()


def test_a_password_file_that_is_there_stops_it_before_anything_is_written(
    shop: Run, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("of another export")

    document = shop(
        *("cert", "export", "shop.example.org", "--format", "p12"),
        *("--out", str(tmp_path / "out"), "--password-out", str(tmp_path / "kept")),
        code=1,
    )

    assert document["error"]["code"] == "refused"
    assert (tmp_path / "kept").read_text() == "of another export"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("out", "kept"),
    [
        ("shop.p12", "shop.p12"),
        ("shop.p12", "./shop.p12"),
        ("stores/", "stores/cert.p12"),
        ("shop.p12", "missing/password"),
    ],
)
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_new_password_has_a_place_of_its_own_before_anything_is_written(
    shop: Run,
    tmp_path: Path,
    out: str,
    kept: str,
    force: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    document = shop(
        *("cert", "export", "shop.example.org", "--format", "p12", *force),
        *("--out", out, "--password-out", kept),
        code=2,
    )

    assert document["error"]["field"] == "password-out"
    assert not (tmp_path / "shop.p12").exists()
    assert not (tmp_path / "stores").exists()


def test_a_new_password_takes_the_place_of_no_inventory(shop: Run, tmp_path: Path) -> None:
    document = shop(
        *("cert", "export", "shop.example.org", "--format", "p12", "--force"),
        *("--out", str(tmp_path / "out"), "--password-out", str(tmp_path / "data" / "kmtui.db")),
        code=2,
    )

    assert document["error"]["field"] == "password-out"
    assert not (tmp_path / "out").exists()
    assert len(shop("cert", "list")["certificates"]) == 2


def test_of_several_some_that_fail_make_it_partly_done(shop: Run, tmp_path: Path) -> None:
    document = shop(
        *("cert", "export", "shop.example.org", "keyless.example.org", "--format", "jks"),
        *("--out", str(tmp_path / "out"), "--password-out", str(tmp_path / "password")),
        code=3,
    )

    assert [(each["certificate"], each["error"] is None) for each in document["exports"]] == [
        ("shop.example.org", True),
        ("keyless.example.org", False),
    ]
    assert document["exports"][1]["error"]["code"] == "refused"


def test_the_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cert", "export", "--help"]) == 0

    told = capsys.readouterr().out
    assert all(f"  {name}  " in told for name in FORMATS)
