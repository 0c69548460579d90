"""The writer: one thread, and one commit for everything that is queued at that moment.

A commit waits for the disk some three times. While it does, other tasks queue what they have to
write, and the next transaction takes all of it: each function in a savepoint of its own, so that
one that fails takes only its own rows back. Nobody is answered before the commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlmodel import Session

from kmtui.db.turns import Turns

T = TypeVar("T")

WOKEN_AT_ONCE = 8
LONGEST = 0.05
"""Seconds after which a transaction takes no further function: other processes want to write too,
and a key press may wait for the answer."""


@dataclass(slots=True, eq=False)
class _Write:
    """One function on its way through a transaction."""

    fn: Callable[[Session], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.answer.done():  # Cancelled: nobody waits for it any more.
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class Writer:
    """Runs functions on one connection of `engine`; `explained` turns its errors into ours.

    Each transaction is a turn among all processes that write.
    """

    def __init__(
        self, engine: Engine, explained: Callable[[], AbstractContextManager[None]], turns: Turns
    ) -> None:
        self._engine = engine
        self._explained = explained
        self._turns = turns
        self._queued: deque[_Write] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kmtui-db-write")

    @property
    def thread(self) -> Executor:
        """The thread itself, for what must come between two transactions."""
        return self._thread

    async def write(self, fn: Callable[[Session], T]) -> T:
        """The result of `fn`, once it is committed; its error, once it is rolled back.

        Functions run in the order of the calls. A caller that is cancelled takes its function out
        of the queue; one that runs already is committed.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queued.append(_Write(fn, loop, answer))
        self._thread.submit(self._commit_queued)
        return await answer

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._thread.shutdown(wait=True)
        self._turns.close()

    def _commit_queued(self) -> None:
        """One transaction for what is queued; nothing when an earlier one took it all."""
        started: list[_Write] = []
        try:
            with self._explained():
                self._commit(started)
        except BaseException as error:  # noqa: BLE001 - handed to the callers, as a future does
            # Nothing of this transaction is stored: who had no error of their own has this one.
            for write in started:
                write.error = write.error or error
        finally:
            _answer(started)

    def _commit(self, started: list[_Write]) -> None:
        """Run what is queued in one transaction; `started` gets each function that was run."""
        first = self._next()
        if first is None:
            return
        started.append(first)
        with self._turns.taken(), self._engine.connect() as connection, connection.begin():
            until = time.monotonic() + LONGEST
            write: _Write | None = first
            while write is not None:
                self._run(write, connection)
                write = self._next() if time.monotonic() < until else None
                if write is not None:
                    started.append(write)

    def _next(self) -> _Write | None:
        while self._queued:
            write = self._queued.popleft()
            if not write.answer.cancelled():
                return write
        return None

    def _run(self, write: _Write, connection: Connection) -> None:
        """Run one function in its savepoint. Raises only when the whole transaction is lost."""
        with Session(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            try:
                with self._explained():
                    write.result = write.fn(session)
                    session.commit()
            except BaseException as error:
                if not _in_transaction(connection):
                    # SQLite gave the whole transaction up, as it does when the disk is full; and
                    # with it the savepoint that the session would now go back to.
                    connection.invalidate()
                    raise _of_sqlite(error) from error
                write.error = error
                session.rollback()


def _in_transaction(connection: Connection) -> bool:
    return bool(connection.connection.driver_connection.in_transaction)  # type: ignore[union-attr]


def _of_sqlite(error: BaseException) -> BaseException:
    """What SQLite said first: giving up a transaction makes more errors on the way out."""
    said, cause = error, error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, sqlite3.Error):
            said = cause
        cause = cause.__cause__ or cause.__context__
    return said


def _answer(writes: list[_Write]) -> None:
    """Wake the callers, all of one loop at once."""
    loops = {write.loop for write in writes}
    for loop in loops:
        own = [write for write in writes if write.loop is loop]
        try:
            loop.call_soon_threadsafe(_settle, own)
        except RuntimeError:
            # The loop is closed: nobody is left to be told, and what was committed stays.
            continue


def _settle(writes: list[_Write]) -> None:
    """Wake a few callers at a time: each goes on working, and a key press must not wait for all."""
    for write in writes[:WOKEN_AT_ONCE]:
        write.settle()
    if rest := writes[WOKEN_AT_ONCE:]:
        rest[0].loop.call_soon(_settle, rest)
