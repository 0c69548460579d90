"""Writing and reading an inventory: whole transactions, in turns, from several processes."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlmodel import Session

from kmtui.core.errors import DatabaseError, InvalidInput, ReadOnly
from kmtui.db import accounts, activity, settings
from kmtui.db.database import Database
from tests.db.samples import NOW, account, pragma, query


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
        "from tests.db.test_transactions import _line\n"
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
