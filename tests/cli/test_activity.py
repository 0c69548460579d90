"""The audit trail by command: shown with where it came from, and looked through for tampering."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from kmtui.db.files import FILE_NAME
from tests.cli.conftest import Run


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
