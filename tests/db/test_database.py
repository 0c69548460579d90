"""Opening an inventory, and what one transaction is."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from kmtui.core.errors import DatabaseError, ReadOnly
from kmtui.db import accounts, settings
from kmtui.db.database import Database
from kmtui.db.migrations import APPLICATION_ID, SCHEMA_VERSION
from tests.db.samples import account, pragma


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- where it lies --------------------------------------------------------------------------------


def test_a_new_inventory_is_private_whatever_the_umask(path: Path) -> None:
    former = os.umask(0)
    try:
        Database.open(path).close_sync()
    finally:
        os.umask(former)

    assert mode(path.parent) == 0o700
    assert {mode(file) for file in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("loose", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_is_refused(path: Path, loose: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(loose)

    with pytest.raises(DatabaseError, match="writable") as caught:
        Database.open(path)

    assert "chmod" in caught.value.hint
    assert not path.exists()


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_open_is_refused_and_left_as_it_is(path: Path, loose: int) -> None:
    Database.open(path).close_sync()
    path.chmod(loose)

    with pytest.raises(DatabaseError, match=f"mode {loose:04o}"):
        Database.open(path)

    assert mode(path) == loose


def test_links_are_not_followed(path: Path, tmp_path: Path) -> None:
    Database.open(path).close_sync()
    (tmp_path / "link").symlink_to(path.parent)
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "kmtui.db").symlink_to(path)

    with pytest.raises(DatabaseError):
        Database.open(tmp_path / "link" / "kmtui.db")
    with pytest.raises(DatabaseError, match="not a plain file"):
        Database.open(other / "kmtui.db")


def test_a_path_with_uri_characters_is_only_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50%?mode=memory#x" / "kmtui.db"

    Database.open(path).close_sync()

    assert path.stat().st_size > 0


# --- how it is opened -----------------------------------------------------------------------------


@pytest.mark.parametrize("writer", [False, True])
def test_every_connection_carries_the_pragmas(db: Database, writer: bool) -> None:
    wanted = {
        "journal_mode": "delete",
        "synchronous": 3,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "secure_delete": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "recursive_triggers": 1,
        "query_only": 0 if writer else 1,
    }

    assert {name: pragma(db, name, writer=writer) for name in wanted} == wanted


def test_the_file_says_whose_it_is_and_of_which_schema(db: Database) -> None:
    assert pragma(db, "application_id") == APPLICATION_ID
    assert pragma(db, "user_version") == SCHEMA_VERSION


def test_another_journal_mode_is_turned_back(path: Path) -> None:
    Database.open(path).close_sync()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.close()

    db = Database.open(path)

    assert pragma(db, "journal_mode") == "delete"
    db.close_sync()


def test_a_newer_schema_is_refused(path: Path) -> None:
    Database.open(path).close_sync()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()

    with pytest.raises(DatabaseError, match="newer kmtui") as caught:
        Database.open(path)

    assert caught.value.exit_code == 6


def test_a_database_of_another_program_is_refused_and_not_touched(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE something (x)")
    raw.commit()
    raw.close()
    path.chmod(0o600)
    before = path.read_bytes()

    with pytest.raises(DatabaseError, match="another program"):
        Database.open(path)

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("offset", "damage"),
    [
        (0, b"Not an SQLite file"),
        (16, b"\xff\xff"),
        (4096, b"\xff" * 4096),
        (28, b"\x00\x00\xff\xff"),
    ],
)
def test_a_damaged_file_is_an_error_one_can_read(path: Path, offset: int, damage: bytes) -> None:
    Database.open(path).close_sync()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(damage)

    with pytest.raises(DatabaseError) as caught:
        Database.open(path)

    assert str(path) in caught.value.message
    assert caught.value.hint


async def test_damage_in_a_page_is_found_by_verify(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database.open(path).close_sync()
    monkeypatch.setattr("kmtui.db.database.CHECKED_BYTES", 0)
    raw = sqlite3.connect(path)
    of_index = "SELECT rootpage FROM sqlite_schema WHERE name = 'version_by_serial'"
    ((page,),) = raw.execute(of_index)
    raw.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    db = Database.open(path)

    with pytest.raises(DatabaseError):
        await db.verify()

    await db.close()


async def test_an_intact_inventory_is_verified(db: Database) -> None:
    await db.verify()


# --- read-only ------------------------------------------------------------------------------------


def test_read_only_reads_and_refuses_to_write(path: Path) -> None:
    first = Database.open(path)
    first.write_sync(lambda session: accounts.insert(session, account("prod")))
    first.close_sync()

    db = Database.open(path, read_only=True)

    assert [row.name for row in db.read_sync(accounts.list_all)] == ["prod"]
    with pytest.raises(ReadOnly):
        db.write_sync(lambda session: settings.put(session, "a", "b"))
    db.close_sync()


def test_read_only_makes_nothing(path: Path) -> None:
    with pytest.raises(DatabaseError, match="no inventory"):
        Database.open(path, read_only=True)

    assert not path.parent.exists()


def test_read_only_shows_the_last_commit_after_a_crash(path: Path, tmp_path: Path) -> None:
    # given: a copy of database and journal, taken in the middle of a transaction
    Database.open(path).close_sync()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA cache_size = 1")
    raw.execute("BEGIN IMMEDIATE")
    raw.executemany(
        "INSERT INTO setting VALUES (?, ?)", [(f"half-{i}", "x" * 2000) for i in range(200)]
    )
    crashed = tmp_path / "crashed" / "kmtui.db"
    crashed.parent.mkdir(mode=0o700)
    for name in ("kmtui.db", "kmtui.db-journal"):
        (crashed.parent / name).write_bytes((path.parent / name).read_bytes())
        (crashed.parent / name).chmod(0o600)
    raw.execute("ROLLBACK")
    raw.close()
    before = crashed.read_bytes()

    # when
    db = Database.open(crashed, read_only=True)
    found = db.read_sync(settings.list_all)
    copy = db._opened_path
    db.close_sync()

    # then: half the transaction is not shown, the original is untouched, the copy is gone
    assert list(found) == [settings.INVENTORY_ID]
    assert crashed.read_bytes() == before
    assert copy != crashed
    assert not copy.parent.exists()
