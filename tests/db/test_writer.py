"""Many who write at once: one commit for all, and each as if it were alone."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlmodel import Session, text

from kmtui.core.errors import DatabaseError, InvalidInput, KmtuiError
from kmtui.db import settings
from kmtui.db.database import Database


def put(key: str) -> Callable[[Session], str]:
    def write(session: Session) -> str:
        settings.put(session, key, "stored")
        return key

    return write


def put_and_fail(key: str) -> Callable[[Session], str]:
    def write(session: Session) -> str:
        settings.put(session, key, "stored")
        raise InvalidInput(key)

    return write


def run(session: Session, statement: str) -> None:
    session.connection().exec_driver_sql(statement)


@contextmanager
def held(db: Database) -> Iterator[None]:
    """While this lasts the writer is at work, and what is written queues up."""
    started, leave = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        leave.wait(10)

    db._writer.thread.submit(work)
    started.wait(10)
    yield
    leave.set()


async def together(db: Database, *writes: Callable[[Session], str]) -> list[Any]:
    """What became of each, all queued before the first began."""
    with held(db):
        tasks = [asyncio.create_task(db.write(write)) for write in writes]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


def commits(db: Database) -> list[str]:
    """Grows by one with each commit from now on."""
    seen: list[str] = []
    event.listen(db._write_engine, "commit", lambda connection: seen.append("commit"))
    return seen


def stored(db: Database) -> list[str]:
    return sorted(set(db.read_sync(settings.list_all)) - {settings.INVENTORY_ID})


async def test_what_is_queued_shares_one_commit(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmtui.db.writer.LONGEST", 60.0)
    seen = commits(db)

    results = await together(db, *(put(f"key-{n:02}") for n in range(20)))

    assert results == stored(db) == [f"key-{n:02}" for n in range(20)]
    assert len(seen) == 1


async def test_functions_run_in_the_order_of_the_calls_and_see_what_was_written_before(
    db: Database,
) -> None:
    def add(letter: str) -> Callable[[Session], str]:
        def write(session: Session) -> str:
            text_so_far = (settings.get(session, "word") or "") + letter
            settings.put(session, "word", text_so_far)
            return text_so_far

        return write

    assert await together(db, add("a"), add("b"), add("c")) == ["a", "ab", "abc"]


async def test_one_that_fails_takes_back_only_its_own_rows(db: Database) -> None:
    first, second, third = await together(db, put("first"), put_and_fail("second"), put("third"))

    assert (first, third) == ("first", "third")
    assert isinstance(second, InvalidInput)
    assert stored(db) == ["first", "third"]


async def test_one_that_a_constraint_refuses_takes_back_only_its_own_rows(db: Database) -> None:
    def refused(session: Session) -> str:
        settings.put(session, "mine", "stored")
        run(session, "INSERT INTO setting (key, value) VALUES ('first', 'again')")
        return "never"

    first, second, third = await together(db, put("first"), refused, put("third"))

    assert (first, third) == ("first", "third")
    assert isinstance(second, KmtuiError)
    assert stored(db) == ["first", "third"]


async def test_nobody_is_answered_before_the_commit(db: Database) -> None:
    answered_at_commit: list[bool] = []
    tasks: list[asyncio.Task[str]] = []
    event.listen(
        db._write_engine,
        "commit",
        lambda connection: answered_at_commit.extend(task.done() for task in tasks),
    )

    with held(db):
        tasks += [asyncio.create_task(db.write(put(key))) for key in ("a", "b")]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert answered_at_commit == [False, False]


async def test_what_was_written_is_read_after_the_answer(db: Database) -> None:
    async def write_and_read(key: str) -> str | None:
        await db.write(put(key))
        return await db.read(lambda session: settings.get(session, key))

    assert await asyncio.gather(*(write_and_read(f"{n}") for n in range(30))) == ["stored"] * 30


async def test_a_commit_that_fails_reaches_everyone_in_it(db: Database) -> None:
    def fail(connection: Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(db._write_engine, "commit", fail)
    results = await together(db, put("first"), put("second"), put_and_fail("third"))
    event.remove(db._write_engine, "commit", fail)

    assert [type(result) for result in results] == [DatabaseError, DatabaseError, InvalidInput]
    assert stored(db) == []
    assert await db.write(put("later")) == "later"


async def test_a_transaction_that_sqlite_gave_up_reaches_everyone_in_it(db: Database) -> None:
    def lost(session: Session) -> str:
        run(session, "ROLLBACK")
        raise DatabaseError("the disk failed")

    first, second, third = await together(db, put("first"), lost, put("third"))

    assert [type(result) for result in (first, second)] == [DatabaseError, DatabaseError]
    assert third == "third"
    assert stored(db) == ["third"]


async def test_a_full_disk_is_told_to_everyone_it_hits_and_loses_nothing_stored(
    db: Database,
) -> None:
    def large(session: Session) -> str:
        settings.put(session, "large", "x" * 1_000_000)
        return "large"

    await db.write(put("before"))
    await db.write(lambda session: run(session, "PRAGMA max_page_count = 1"))
    first, second = await together(db, put("small"), large)

    for result in (first, second):
        assert isinstance(result, DatabaseError)
        assert "the disk is full" in result.message
    assert stored(db) == ["before"]
    assert await together(db, put("small"), large) == ["small", "large"]


async def test_a_caller_that_is_cancelled_loses_nothing_of_the_others(db: Database) -> None:
    with held(db):
        tasks = [asyncio.create_task(db.write(put(key))) for key in ("a", "b", "c")]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [results[0], results[2]] == ["a", "c"]
    assert isinstance(results[1], asyncio.CancelledError)
    assert stored(db) == ["a", "c"]


async def test_a_function_that_runs_when_its_caller_is_cancelled_is_committed(db: Database) -> None:
    running, leave = threading.Event(), threading.Event()

    def slow(session: Session) -> str:
        running.set()
        leave.wait(10)
        return put("slow")(session)

    task = asyncio.create_task(db.write(slow))
    await asyncio.to_thread(running.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    leave.set()
    await db.write(put("next"))

    assert stored(db) == ["next", "slow"]


async def test_closing_commits_what_is_queued(db: Database) -> None:
    path = db.path
    with held(db):
        task = asyncio.create_task(db.write(put("last")))
        await asyncio.sleep(0)
        closing = asyncio.create_task(db.close())
        await asyncio.sleep(0)
    await closing
    await task

    again = Database.open(path, read_only=True)
    assert stored(again) == ["last"]
    again.close_sync()


async def test_a_long_transaction_lets_others_write_between(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmtui.db.writer.LONGEST", 0.0)
    seen = commits(db)

    results = await together(db, put("a"), put("b"), put("c"))

    assert results == ["a", "b", "c"]
    assert len(seen) == 3


def test_a_writer_in_a_thread_of_its_own_waits_for_its_turn(db: Database) -> None:
    async def both() -> None:
        await asyncio.gather(
            *(db.write(put(f"queued-{n}")) for n in range(5)),
            *(asyncio.to_thread(db.write_sync, put(f"direct-{n}")) for n in range(5)),
        )

    asyncio.run(both())

    assert len(stored(db)) == 10
    assert db.read_sync(lambda session: session.exec(text("SELECT 1")).one())[0] == 1  # type: ignore[call-overload]
