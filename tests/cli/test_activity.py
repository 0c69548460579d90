"""The audit trail by command: shown with where it came from, and looked through for tampering."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from kmtui.db.files import FILE_NAME
from tests.cli.conftest import CANARY, Run


def test_the_trail_is_looked_through_and_tampering_ends_with_1(run: Run, tmp_path: Path) -> None:
    run("vault", "init")
    for name in ("one", "two", "three"):
        run("ca", "add", name, "--directory", f"https://{name}.example.org/directory")

    shown = run("activity", unlocked=False)["activity"]
    first = run("activity", "--verify")["verification"]
    second = run("activity", "--verify")["verification"]
    raw = sqlite3.connect(tmp_path / "data" / FILE_NAME)
    raw.execute("DROP TRIGGER activity_refuses_delete")
    raw.execute("DELETE FROM activity WHERE id = 2")
    raw.commit()
    raw.close()
    broken = run("activity", "--verify", code=1)["verification"]

    assert all(row["origin"].startswith("uid ") for row in shown)
    assert (first["intact"], first["sealed_at"]) == (True, None)
    assert (second["intact"], second["sealed_holds"]) == (True, True)
    assert (broken["intact"], broken["broken_at"]) == (False, 3)


def test_who_may_open_the_vault_is_on_record_from_the_first_way_on(
    run: Run, tmp_path: Path
) -> None:
    passphrase, new = tmp_path / "passphrase", tmp_path / "new"
    for path, text in ((passphrase, CANARY), (new, CANARY + "2")):
        path.write_text(text)
        path.chmod(0o600)
    opened = ("--passphrase-file", str(passphrase))

    run(*opened, "vault", "init", unlocked=False)
    run(*opened, "vault", "add-key-file", str(tmp_path / "vault.key"), unlocked=False)
    run(*opened, "vault", "passwd", "--new-passphrase-file", str(new), unlocked=False)
    run("vault", "remove-slot", "3")
    run("vault", "remove-slot", "2", code=1)

    lines = run("activity")["activity"]
    assert [(line["action"], line["detail"]) for line in reversed(lines)] == [
        ("vault init", "slot 1, passphrase"),
        ("vault add", "slot 2, key file"),
        ("vault passwd", "slot 3, passphrase in place of slot 1, passphrase"),
        ("vault remove", "slot 3, passphrase"),
    ]
    assert {line["object"]["type"] for line in lines} == {"vault"}
    assert run("activity", "--verify")["verification"]["intact"]


def test_a_trail_that_was_cut_at_its_end_ends_with_1_once_it_was_verified(
    run: Run, tmp_path: Path
) -> None:
    run("vault", "init")
    for name in ("one", "two", "three"):
        run("ca", "add", name, "--directory", f"https://{name}.example.org/directory")
    run("activity", "--verify")

    with closing(sqlite3.connect(tmp_path / "data" / FILE_NAME)) as raw, raw:
        raw.execute("DROP TRIGGER activity_refuses_delete")
        raw.execute("DELETE FROM activity WHERE id > 2")

    found = run("activity", "--verify", code=1)["verification"]
    assert (found["intact"], found["broken_at"], found["sealed_holds"]) == (False, None, False)
