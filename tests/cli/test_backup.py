"""Backing up and restoring by command, and what a backup may be opened with."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from kmtui.core.keyfiles import create_key_file
from kmtui.db.files import FILE_NAME
from tests.cli.conftest import CANARY, Run


def test_a_sealed_backup_comes_back_elsewhere_verified(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("vault", "init")
    run("ca", "add", "lab", "--directory", "https://lab.example.org/directory")
    seal, key = tmp_path / "sealed", tmp_path / "seal.key"
    create_key_file(key)

    made = run("backup", str(seal), "--seal-key-file", str(key), unlocked=False)["backup"]
    again = run("backup", str(seal), unlocked=False, code=1)
    there = run("restore", str(seal), "--seal-key-file", str(key), "--verify", code=1)
    looked = run("restore", str(seal), "--seal-key-file", str(key), "--dry-run", unlocked=False)
    locked = run(
        *("restore", str(seal), "--seal-key-file", str(key), "--verify", "--dry-run"),
        unlocked=False,
        code=4,
    )
    elsewhere = ["--data", str(tmp_path / "new"), "--key-file", str(tmp_path / "vault.key")]
    code = cli.run(
        [*elsewhere, "restore", str(seal), "--seal-key-file", str(key), "--verify", "--json"]
    )
    done = json.loads(capsys.readouterr().out)["restore"]

    assert (made["sealed_by"], made["vault"]) == ("key-file", ["key-file"])
    assert again["error"]["code"] == "refused"
    assert "there is an inventory" in there["error"]["message"]
    assert (looked["restore"]["restored"], looked["restore"]["secrets_opened"]) == (False, None)
    assert locked["error"]["code"] == "vault-locked"
    assert (code, done["restored"], done["secrets_opened"]) == (0, True, 1)
    cli.run(["--data", str(tmp_path / "new"), "ca", "show", "lab", "--json"])
    assert json.loads(capsys.readouterr().out)["ca"]["name"] == "lab"


def test_a_plain_backup_says_what_it_shows_and_a_passphrase_shows_nowhere(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("vault", "init")
    secret = tmp_path / "passphrase"
    secret.write_text(CANARY)
    secret.chmod(0o600)

    sealed = run("backup", str(tmp_path / "a"), "--seal-passphrase-file", str(secret))
    data = ["--data", str(tmp_path / "data")]
    assert cli.run([*data, "backup", str(tmp_path / "b")]) == 0
    said = capsys.readouterr().out
    both = ["--seal-passphrase-file", str(secret), "--seal-key-file", str(secret)]
    run("backup", str(tmp_path / "c"), *both, code=2)

    assert sealed["backup"]["sealed_by"] == "passphrase"
    assert "can be read by whoever has it" in said
    assert "the vault's key file" in said
    assert CANARY not in json.dumps(run("activity"))
    assert CANARY.encode() not in (tmp_path / "a").read_bytes()
    assert os.stat(tmp_path / "b").st_mode & 0o777 == 0o600


def test_a_backup_that_is_no_good_has_its_code_and_changes_nothing(
    run: Run, tmp_path: Path
) -> None:
    run("vault", "init")
    secret, wrong = tmp_path / "passphrase", tmp_path / "wrong"
    for path, text in ((secret, CANARY), (wrong, CANARY + "x")):
        path.write_text(text)
        path.chmod(0o600)
    plain, sealed, cut, newer = (tmp_path / name for name in ("plain", "sealed", "cut", "newer"))
    run("backup", str(plain))
    run("backup", str(sealed), "--seal-passphrase-file", str(secret))
    cut.write_bytes(sealed.read_bytes()[:-1])
    newer.write_bytes(plain.read_bytes())
    with closing(sqlite3.connect(newer)) as raw:
        raw.execute("PRAGMA user_version = 999")
    inventory = tmp_path / "data" / FILE_NAME
    before, beside = inventory.read_bytes(), sorted(inventory.parent.iterdir())

    for file, options, code, said in (
        (sealed, ["--seal-passphrase-file", str(wrong)], 4, "does not open with this passphrase"),
        (sealed, [], 2, "sealed with a key of its own"),
        (cut, ["--seal-passphrase-file", str(secret)], 4, "cut off"),
        (newer, [], 6, "newer kmtui"),
        (inventory.parent, [], 2, "cannot read"),
    ):
        error = run("restore", str(file), *options, "--force", "--verify", code=code)["error"]
        assert said in error["message"]
        assert error["hint"]
        assert inventory.read_bytes() == before
    assert sorted(inventory.parent.iterdir()) == beside
