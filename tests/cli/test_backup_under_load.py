"""Backups made while others issue certificates: each is whole, and comes back elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kmtui.cli import main as cli
from tests.cli.conftest import CANARY, Run

WRITERS = 2
NAMES_EACH = 12
FORMAT = ["--format", "pem", "--with-key"]
PROGRAM = [sys.executable, "-m", "kmtui"]


@pytest.fixture
def issuing(ready: Run, tmp_path: Path) -> list[subprocess.Popen[bytes]]:
    """Processes that have certificates issued, and save them."""
    key = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "vault.key")]
    ready("mapping", "add", ".load.kmtui.test", "--server", "web")
    processes = []
    for writer in range(WRITERS):
        names = tmp_path / f"names-{writer}"
        lines = (f"n{at}.w{writer}.load.kmtui.test" for at in range(NAMES_EACH))
        names.write_text("\n".join(lines))
        words = ["request", "new", "--from", str(names), "--account", "main", "--save", "always"]
        processes.append(
            subprocess.Popen(
                [*PROGRAM, *key, *words, "--dns", "ns", "--challenge", "dns-01"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            )
        )
    return processes


def test_each_backup_under_load_comes_back_with_every_key(
    issuing: list[subprocess.Popen[bytes]],
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = []
    while any(process.poll() is None for process in issuing):
        made.append(run("backup", str(tmp_path / f"backup-{len(made)}"), unlocked=False)["backup"])
    last = run("backup", str(tmp_path / "last"), unlocked=False)["backup"]
    counts = [each["certificates"] for each in made]

    assert [process.returncode for process in issuing] == [0] * WRITERS
    assert last["certificates"] == WRITERS * NAMES_EACH
    assert counts == sorted(counts)
    assert len(set(counts)) > 1, "none was made meanwhile"

    one_of_each_state = {each["certificates"]: each["path"] for each in [*made, last]}
    for count, path in list(one_of_each_state.items())[-4:]:
        place = ["--data", str(tmp_path / f"restored-{count}")]
        key = ["--key-file", str(tmp_path / "vault.key")]
        done = told([*place, *key, "restore", path, "--verify"], capsys)["restore"]
        versions = told([*place, "cert", "history"], capsys)["versions"]
        out = tmp_path / f"out-{count}"
        labels = [each["certificate"] for each in versions if each["status"] == "current"]

        assert done["certificates"] == count
        assert len(labels) <= count
        # Besides the accounts' and the DNS account's.
        assert done["secrets_opened"] >= max(len(labels), 1) + 2
        if labels:
            told(
                [*place, *key, "cert", "export", *labels, *FORMAT, "--out", f"{out}/"],
                capsys,
            )
        keys = list(out.rglob("privkey.pem"))
        assert len(keys) == len(labels)
        assert path != last["path"] or len(keys) == WRITERS * NAMES_EACH
        for file in keys:
            private = load_pem_private_key(file.read_bytes(), None)
            leaf = x509.load_pem_x509_certificate((file.parent / "cert.pem").read_bytes())
            assert private.public_key() == leaf.public_key()


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    code = cli.run([*arguments, "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.out
    assert CANARY not in captured.out
    return json.loads(captured.out)
