"""Backing up and restoring by command, and what a backup may be opened with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kmtui.cli import main as cli
from kmtui.core.keyfiles import create_key_file
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
