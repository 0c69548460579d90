"""The database: one SQLite file, one writer thread, a few readers, all in private files.

Sessions are synchronous, never cross an ``await`` and never leave this package: callers pass a
function that gets a session and returns frozen rows.

Rollback journal with synchronous=EXTRA, not WAL: SQLite before 3.51.3 can corrupt a WAL database
that two processes write (https://sqlite.org/wal.html#walresetbug), and a screen beside an
unattended renewal is exactly that. It costs half a millisecond per commit.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from kmtui.core.errors import DatabaseError, ReadOnly
from kmtui.db import files, migrations
from kmtui.db.refusals import explained
from kmtui.db.turns import Turns
from kmtui.db.writer import Writer

T = TypeVar("T")

READERS = 3
"""Reader threads: a list, its counts and a details pane at once; more would fight over the disk."""
BUSY_MILLISECONDS = 10_000
"""How long a statement waits for another process's transaction before it gives up."""

CHECKED_BYTES = 64 * 1024 * 1024
"""Up to here the quick check at opening takes less than 0.1 s; a larger file is checked only after
a crash, and by `Database.verify`."""

PRAGMAS = (
    f"busy_timeout = {BUSY_MILLISECONDS}",
    "foreign_keys = ON",
    "secure_delete = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "synchronous = EXTRA",
    # Without it INSERT OR REPLACE would delete a row and not fire the delete triggers.
    "recursive_triggers = ON",
)


class Database:
    """An open inventory. Make one with `Database.open`; close it with `close` or `close_sync`."""

    def __init__(self, path: Path, *, read_only: bool, opened_path: Path) -> None:
        self.path = path
        self.read_only = read_only
        self._opened_path = opened_path
        mode = "ro" if read_only else "rw"
        self._write_engine = _engine(opened_path, mode=mode, begin="BEGIN IMMEDIATE", size=1)
        # Readers open read-write and forbid themselves to write: a connection opened read-only
        # could not roll back the journal that a killed process left behind.
        self._read_engine = _engine(
            opened_path, mode=mode, begin="BEGIN", size=READERS, query_only=True
        )
        self._writer = Writer(self._write_engine, partial(explained, path), Turns(path))
        self._waiting: dict[Callable[[Session], Any], list[asyncio.Future[Any]]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="kmtui-db-read")

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Database:
        """Open the inventory at `path`, made or migrated when needed (blocking: call in a thread).

        Raises DatabaseError when the place is not private, the file is damaged, is not an
        inventory, has a newer schema, or (read-only) is missing or has an older one.
        """
        files.private_directory(path.parent, create=not read_only)
        files.private_file(path, create=not read_only)
        crashed = path.with_name(path.name + "-journal").exists()
        with explained(path):
            opened_path = _readable(path) if read_only and crashed else path
        database = cls(path, read_only=read_only, opened_path=opened_path)
        try:
            with explained(path):
                database._prepare(checked=crashed or path.stat().st_size <= CHECKED_BYTES)
        except BaseException:
            database.close_sync()
            raise
        return database

    async def write(self, fn: Callable[[Session], T]) -> T:
        """Run `fn` in the writer thread: all of it committed when this returns, or rolled back.

        What others write at that moment shares the commit, never the rollback (see `Writer`).
        Raises what `fn` raises; refused rows as InvalidInput or Refused; ReadOnly; DatabaseError.
        """
        self._require_writable()
        return await self._writer.write(fn)

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Run `fn` in a reader thread, on one consistent state of the database.

        Who asks for the same `fn` while it waits for a thread shares the answer, which is as new as
        one of their own: treat what it returns as read-only.
        """
        waiting = self._waiting.get(fn)
        if waiting is None:
            # Noted before the thread can take it up: it is struck out there, before it reads.
            waiting = self._waiting[fn] = []
            waiting.append(self._run(self._readers, partial(self._read_waiting, fn)))
        # One that is cancelled must not take the answer away from the others.
        result: T = await asyncio.shield(waiting[0])
        return result

    def _read_waiting(self, fn: Callable[[Session], T]) -> T:
        self._waiting.pop(fn, None)
        return self.read_sync(fn)

    def write_sync(self, fn: Callable[[Session], T]) -> T:
        """`write` for callers that are in a thread already, in a transaction of its own."""
        self._require_writable()
        return self._in_session(self._write_engine, fn)

    def read_sync(self, fn: Callable[[Session], T]) -> T:
        """`read` for callers that are in a thread already."""
        return self._in_session(self._read_engine, fn)

    async def data_version(self) -> int:
        """A number that moves when another process commits, and never by our own writes."""
        return await self._run(self._writer.thread, self._data_version)

    async def verify(self) -> None:
        """Read every page and index; raises DatabaseError for the first thing wrong.

        Seconds per gigabyte, and nobody can commit meanwhile: for a quiet moment, and before a
        backup is trusted.
        """
        await self._run(self._readers, self.verify_sync)

    def verify_sync(self) -> None:
        """`verify` for callers that are in a thread already."""
        with explained(self.path):
            self._refuse_damaged("integrity_check(1)", self._read_engine)

    async def close(self) -> None:
        """Wait for what is under way and close every connection."""
        await asyncio.to_thread(self.close_sync)

    def close_sync(self) -> None:
        """`close` for callers that are in a thread already."""
        self._writer.close()
        self._readers.shutdown(wait=True)
        self._read_engine.dispose()
        self._write_engine.dispose()
        if self._opened_path != self.path:
            shutil.rmtree(self._opened_path.parent, ignore_errors=True)

    def _run(self, executor: Executor, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(executor, work)

    def _require_writable(self) -> None:
        if self.read_only:
            raise ReadOnly("the inventory is open read-only", hint="start without --read-only")

    def _in_session(self, engine: Engine, fn: Callable[[Session], T]) -> T:
        with explained(self.path), Session(engine, expire_on_commit=False) as session:
            result = fn(session)
            session.commit()
        return result

    def _data_version(self) -> int:
        # Asked on the writer's own connection: its commits do not count there.
        return int(_pragma(self._write_engine, "data_version"))

    def _prepare(self, *, checked: bool) -> None:
        """Migrate, and refuse what is not an inventory this program can use."""
        version = self._version()
        if not self.read_only:
            _pragma(self._write_engine, "journal_mode = DELETE")
        if version < migrations.SCHEMA_VERSION:
            if self.read_only:
                raise DatabaseError(
                    f"{self.path} has an older schema ({version})",
                    hint="start kmtui once without --read-only: it backs up and migrates",
                )
            with migrations.migration_lock(self.path):
                self._migrate()
        if checked:
            self._refuse_damaged("quick_check(1)", self._write_engine)

    def _refuse_damaged(self, check: str, engine: Engine) -> None:
        verdict = _pragma(engine, check)
        if verdict != "ok":
            raise DatabaseError(
                f"{self.path} is damaged: {verdict}", hint="copy it aside and restore a backup"
            )

    def _version(self) -> int:
        """The stored schema version; 0 for a new file. Raises DatabaseError when it is foreign."""
        application = _pragma(self._write_engine, "application_id")
        tables = _pragma(self._write_engine, "schema_version")
        version = int(_pragma(self._write_engine, "user_version"))
        if application != migrations.APPLICATION_ID and (application or version or tables):
            raise DatabaseError(f"{self.path} is a database of another program")
        if version > migrations.SCHEMA_VERSION:
            raise DatabaseError(
                f"{self.path} was written by a newer kmtui "
                f"(schema {version}, this program knows {migrations.SCHEMA_VERSION})",
                hint="install the newer version, or restore a backup",
            )
        return version

    def _migrate(self) -> None:
        # Once more under the lock: another process may have done it meanwhile.
        version = self._version()
        if version == migrations.SCHEMA_VERSION:
            return
        if version:
            migrations.backup(self.path, version)
        engine = _engine(self.path, mode="rw", begin="BEGIN EXCLUSIVE", size=1)
        try:
            with engine.begin() as connection:
                migrations.upgrade(connection)
        finally:
            engine.dispose()


def _pragma(engine: Engine, pragma: str) -> int | str:
    """The first value a pragma gives, asked outside any transaction."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        value: int | str = (cursor.fetchone() or ("",))[0]
        cursor.close()
    finally:
        raw.close()
    return value


def _readable(path: Path) -> Path:
    """The path to open read-only: `path`, or a private copy when a crash left work to undo."""
    try:
        probe = sqlite3.connect(files.sqlite_uri(path, "ro"), uri=True)
        try:
            probe.execute("PRAGMA schema_version").fetchone()
        finally:
            probe.close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname not in {"SQLITE_READONLY_ROLLBACK", "SQLITE_CANTOPEN"}:
            raise
        return files.private_copy(path)
    return path


def _engine(path: Path, *, mode: str, begin: str, size: int, query_only: bool = False) -> Engine:
    """An engine whose connections carry the pragmas and whose transactions start with `begin`.

    The driver's own transaction control is off and BEGIN is ours, as SQLAlchemy documents for
    SQLite: the driver neither begins on SELECT nor keeps DDL inside a transaction.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            files.sqlite_uri(path, mode),
            uri=True,
            timeout=BUSY_MILLISECONDS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        # Parameters hold names, tokens of order URLs and sealed values: none belongs in an error.
        hide_parameters=True,
    )

    def on_connect(connection: sqlite3.Connection, record: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if query_only:
            connection.execute("PRAGMA query_only = ON")

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    _shorten_savepoints(engine)
    return engine


def _shorten_savepoints(engine: Engine) -> None:
    """Send the three statements of a savepoint as they are: each write has one of its own, and
    SQLAlchemy would build, compile and log them like any other statement."""

    def sends(command: str) -> Callable[[Connection, str], None]:
        def send(connection: Connection, name: str) -> None:
            driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            driver.execute(f"{command} {name}")

        return send

    dialect = engine.dialect
    for method, command in (
        ("do_savepoint", "SAVEPOINT"),
        ("do_release_savepoint", "RELEASE SAVEPOINT"),
        ("do_rollback_to_savepoint", "ROLLBACK TO SAVEPOINT"),
    ):
        setattr(dialect, method, sends(command))
