"""Whole copies of an inventory's file: taken while others write, examined before they are trusted.

Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kmtui.core.errors import DatabaseError
from kmtui.db import files

BUSY_SECONDS = 30.0
"""How long to wait for other processes' transactions: a copy is a long read."""
SQLITE_MAGIC = b"SQLite format 3\x00"
"""What every SQLite file begins with."""
THOROUGH = ("integrity_check(1)", "foreign_key_check")


@dataclass(frozen=True, slots=True)
class Census:
    """What a copy holds."""

    certificates: int
    vault: tuple[str, ...]
    """The ways its vault opens, each kind once."""


def copy(source: Path, target: Path, *, checks: tuple[str, ...] = THOROUGH) -> None:
    """Copy the database at `source`, as of one moment, to `target`, and look through the copy.

    `target` is a new private file, on the disk when this returns; it is removed when something goes
    wrong. Raises DatabaseError.
    """
    new = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY
    try:
        os.close(os.open(target, new, 0o600))
    except OSError as error:
        raise DatabaseError(f"cannot create {target}: {error.strerror}") from error
    try:
        with (
            closing(_opened(source, "ro")) as original,
            closing(_opened(target, "rw")) as duplicate,
        ):
            original.backup(duplicate)
            damage = _damage(duplicate, checks)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise DatabaseError(f"cannot copy {source}: {error}") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    if damage:
        target.unlink(missing_ok=True)
        raise DatabaseError(f"{source} is damaged: {damage}", hint="restore a backup")
    sync(target)


def census(path: Path) -> Census:
    """What the copy at `path` holds, whatever the original has become since.

    Raises DatabaseError.
    """
    try:
        with closing(_opened(path, "ro")) as connection:
            (certificates,) = connection.execute("SELECT count(*) FROM certificate").fetchone()
            kinds = connection.execute("SELECT kind FROM vault_slot ORDER BY id").fetchall()
    except sqlite3.Error as error:
        raise DatabaseError(f"cannot read {path}: {error}") from error
    return Census(certificates, tuple(dict.fromkeys(kind for (kind,) in kinds)))


def programs(path: Path) -> dict[str, str]:
    """The statements that the database at `path` runs by itself, its triggers and views, by name.

    Raises DatabaseError.
    """
    try:
        with closing(_opened(path, "ro")) as connection:
            found = connection.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view')"
            ).fetchall()
    except sqlite3.Error as error:
        raise DatabaseError(f"cannot read {path}: {error}") from error
    return {name: " ".join(sql.split()) for name, sql in found}


def is_sound(path: Path) -> bool:
    """Whether there is a database that SQLite can read through, of whatever schema."""
    try:
        with closing(_opened(path, "ro")) as connection:
            return not _damage(connection, THOROUGH)
    except sqlite3.Error:
        return False


def sync(path: Path) -> None:
    """Make sure that a file, or what a directory lists, is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(files.sqlite_uri(path, mode), uri=True, timeout=BUSY_SECONDS)


def _damage(connection: sqlite3.Connection, checks: tuple[str, ...]) -> str:
    """The first thing that is wrong; empty when nothing is."""
    for check in checks:
        row = connection.execute(f"PRAGMA {check}").fetchone()
        if row is not None and row[0] != "ok":
            return " ".join(str(value) for value in row)
    return ""
