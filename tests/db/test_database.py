"""Opening an inventory, and what one transaction is."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlmodel import Session, text

from kmtui.core.errors import DatabaseError, InvalidInput, ReadOnly
from kmtui.db import accounts, activity, settings
from kmtui.db.database import Database
from kmtui.db.migrations import APPLICATION_ID, SCHEMA_VERSION
from tests.db.samples import NOW, account, query


def pragma(db: Database, name: str, *, writer: bool = False) -> object:
    def ask(session: Session) -> object:
        return session.exec(text(f"PRAGMA {name}")).one()[0]  # type: ignore[call-overload]

    return db.write_sync(ask) if writer else db.read_sync(ask)


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
    with path.open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
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


# --- transactions ---------------------------------------------------------------------------------


async def test_an_error_takes_back_the_whole_transaction(db: Database) -> None:
    def write(session: Session) -> None:
        accounts.insert(session, account("first"))
        raise InvalidInput("changed my mind")

    with pytest.raises(InvalidInput):
        await db.write(write)

    assert await db.read(accounts.list_all) == []


async def test_a_taken_name_is_told_with_its_field(db: Database) -> None:
    await db.write(lambda session: accounts.insert(session, account("prod")))

    with pytest.raises(InvalidInput, match="exists already") as caught:
        await db.write(
            lambda session: accounts.insert(session, account("prod", account_url="https://x.test"))
        )

    assert caught.value.field == "name"


def test_a_full_disk_is_told_and_loses_nothing(db: Database) -> None:
    db.write_sync(lambda session: settings.put(session, "kept", "yes"))
    pragma(db, "max_page_count = 1", writer=True)

    with pytest.raises(DatabaseError, match="disk is full"):
        db.write_sync(lambda session: settings.put(session, "large", "x" * 100_000))

    assert db.read_sync(lambda session: settings.get(session, "kept")) == "yes"
    pragma(db, "max_page_count = 1000000", writer=True)
    db.write_sync(lambda session: settings.put(session, "large", "x" * 100_000))


def test_another_process_that_writes_for_long_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database.open(path).close_sync()
    monkeypatch.setattr("kmtui.db.database.PRAGMAS", ("busy_timeout = 50",))
    db = Database.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseError, match="another process is writing") as caught:
        db.write_sync(lambda session: settings.put(session, "a", "b"))

    assert caught.value.exit_code == 6
    other.close()
    db.write_sync(lambda session: settings.put(session, "a", "b"))
    db.close_sync()


def test_readers_cannot_write(db: Database) -> None:
    with pytest.raises(ReadOnly):
        db.read_sync(lambda session: settings.put(session, "a", "b"))


async def test_data_version_moves_for_others_and_not_for_ourselves(path: Path) -> None:
    ours, theirs = Database.open(path), Database.open(path)
    start = await ours.data_version()

    await ours.write(lambda session: settings.put(session, "a", "1"))
    after_own = await ours.data_version()
    await theirs.write(lambda session: settings.put(session, "a", "2"))
    after_theirs = await ours.data_version()

    assert after_own == start
    assert after_theirs != start
    await ours.close()
    await theirs.close()


async def test_the_loop_goes_on_while_the_database_works(db: Database) -> None:
    leave = threading.Event()

    writing = asyncio.create_task(db.write(lambda session: leave.wait(10)))
    await asyncio.sleep(0.05)
    leave.set()

    assert await writing


async def test_many_tasks_lose_no_line(db: Database) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(db.write(lambda session, n=number: _line(session, f"task {n}")))

    assert await db.read(lambda session: activity.count(session, query())) == 40
    assert await db.read(activity.first_broken_link) is None


def test_two_processes_write_in_turn(path: Path) -> None:
    Database.open(path).close_sync()
    script = (
        "import sys; from pathlib import Path\n"
        "from kmtui.db.database import Database\n"
        "from tests.db.test_database import _line\n"
        "db = Database.open(Path(sys.argv[1]))\n"
        "for n in range(30): db.write_sync(lambda session: _line(session, str(n)))\n"
    )

    root = Path(__file__).parents[2]
    both = [subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=root) for _ in "ab"]

    assert [process.wait(60) for process in both] == [0, 0]
    db = Database.open(path)
    assert db.read_sync(lambda session: activity.count(session, query())) == 60
    assert db.read_sync(activity.first_broken_link) is None
    db.close_sync()


def test_two_processes_may_make_the_same_inventory(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from kmtui.db.database import Database\n"
        "Database.open(Path(sys.argv[1]))\n"
    )

    root = Path(__file__).parents[2]
    both = [subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=root) for _ in "ab"]

    assert [process.wait(60) for process in both] == [0, 0]


def _line(session: Session, detail: str) -> None:
    activity.append(
        session,
        at=NOW,
        actor="test",
        action="count",
        object_type="test",
        object_id=None,
        object_name="line",
        detail=detail,
    )


# --- reading at the same time ---------------------------------------------------------------------


async def test_who_asks_the_same_while_it_waits_for_a_thread_shares_the_answer(
    db: Database,
) -> None:
    asked: list[int] = []
    leave = threading.Event()

    def count(session: Session) -> int:
        asked.append(1)
        return len(settings.list_all(session))

    for _ in range(3):
        db._readers.submit(leave.wait, 10)
    answers = [asyncio.create_task(db.read(count)) for _ in range(20)]
    await asyncio.sleep(0.01)
    answers[0].cancel()
    leave.set()
    results = await asyncio.gather(*answers[1:])

    assert set(results) == {1}
    assert len(asked) == 1


async def test_an_answer_is_never_older_than_the_question(db: Database) -> None:
    for number in range(50):
        await db.write(lambda session, n=number: settings.put(session, f"key-{n}", "x"))  # type: ignore[misc]
        found = await asyncio.gather(*(db.read(settings.list_all) for _ in range(5)))

        assert {len(each) for each in found} == {number + 2}
