"""Bringing an inventory to the schema of this program: forward only, one transaction, backup first.

Alembic is imported only when the stored schema is behind. Going back means restoring the backup.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

from kmtui.core.errors import DatabaseError
from kmtui.db import snapshot

SCHEMA_VERSION = 5
"""The `user_version` of a database that is up to date; the number of the newest revision."""
APPLICATION_ID = 0x6B6D7475
"""`application_id` of the file header: ``kmtu`` in ASCII."""
LOCK_SECONDS = 60.0
"""How long to wait for another process that migrates: copying a large inventory takes a while."""


def upgrade(connection: Connection) -> None:
    """Run every revision that the database lacks.

    `connection` must be inside the one transaction (BEGIN EXCLUSIVE) that holds all of it, the
    numbers in the file header included: a crash leaves the old schema or the new one.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # configparser reads % as interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def backup(path: Path, version: int) -> Path:
    """A verified copy of the database beside it, made before schema `version` is left behind.

    Raises DatabaseError when the copy cannot be made; the migration must not go on then.
    """
    target = path.with_name(f"{path.name}.schema-{version}.backup")
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    snapshot.copy(path, partial, checks=("quick_check(1)",))
    partial.rename(target)
    snapshot.sync(path.parent)
    return target


@contextmanager
def migration_lock(path: Path) -> Iterator[None]:
    """The right to migrate `path`, held by one process; the kernel frees it when that one dies.

    Raises DatabaseError when another process holds it for longer than `LOCK_SECONDS`.
    """
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path.with_name(path.name + ".lock"), flags, 0o600)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"another process is migrating {path}", hint="wait until it is done"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(lock)
