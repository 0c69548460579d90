"""The schema that the migrations make: complete, strict, and guarding what must not change."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlmodel import SQLModel

from kmtui.core.errors import DatabaseError
from kmtui.db import (
    accounts,
    activity,
    deployments,
    migrations,
    request_log,
    tables,
    target_tables,
)
from kmtui.db.database import Database
from tests.db.samples import NOW, Filled, account, deployment

assert tables
assert target_tables


@pytest.fixture
def raw(db: Database) -> Iterator[sqlite3.Connection]:
    """A connection past every class of ours."""
    connection = sqlite3.connect(db.path, isolation_level=None)
    connection.execute("PRAGMA recursive_triggers = ON")
    yield connection
    connection.close()


def columns(raw: sqlite3.Connection, table: str) -> dict[str, bool]:
    """Column names in order, and whether each must be filled."""
    facts = raw.execute(f"PRAGMA table_info({table})").fetchall()
    return {name: bool(not_null) or bool(key) for _, name, _, not_null, _, key in facts}


@pytest.mark.parametrize("table", sorted(SQLModel.metadata.tables))
def test_each_class_is_its_table(raw: sqlite3.Connection, table: str) -> None:
    declared = SQLModel.metadata.tables[table].columns

    assert columns(raw, table) == {column.name: not column.nullable for column in declared}


def test_every_table_is_strict_and_has_its_class(raw: sqlite3.Connection) -> None:
    found = {
        name: strict
        for _, name, kind, _, _, strict in raw.execute("PRAGMA table_list")
        if kind == "table" and not name.startswith(("sqlite_", "alembic_"))
    }

    assert found == dict.fromkeys(SQLModel.metadata.tables, 1)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("setting", "value", b"bytes"), ("certificate", "version_count", "many")],
)
def test_a_value_of_another_type_is_refused(
    db: Database, raw: sqlite3.Connection, table: str, column: str, value: object
) -> None:
    Filled(db).certificate()

    with pytest.raises(sqlite3.IntegrityError, match="cannot store"):
        raw.execute(f"UPDATE {table} SET {column} = ?", (value,))


def a_version(db: Database) -> str:
    filled = Filled(db)
    return filled.version(filled.certificate()).id


def a_line(db: Database) -> None:
    db.write_sync(
        lambda session: activity.append(
            session,
            at=NOW,
            actor="a",
            action="b",
            object_type="c",
            object_id=None,
            object_name="d",
        )
    )


def a_log_line(db: Database) -> None:
    request = Filled(db).request()
    db.write_sync(
        lambda session: request_log.append(session, request.id, at=NOW, level="info", text="x")
    )


def a_deployment(db: Database) -> None:
    filled = Filled(db)
    target = filled.target(filled.certificate())
    row = deployment(target, outcome="failed")
    db.write_sync(lambda session: deployments.insert(session, row))


@pytest.mark.parametrize(
    ("fill", "table", "change"),
    [
        (a_version, "version", "SET chain_pem = ''"),
        (a_line, "activity", "SET actor = 'somebody else'"),
        (a_log_line, "request_log", "SET text = ''"),
        (a_deployment, "deployment", "SET outcome = 'verified'"),
    ],
)
def test_insert_only_tables_refuse_every_change(
    db: Database,
    raw: sqlite3.Connection,
    fill: Callable[[Database], object],
    table: str,
    change: str,
) -> None:
    fill(db)
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    places = ", ".join("?" * len(before[0]))

    for statement, row in [
        (f"UPDATE {table} {change}", ()),
        (f"DELETE FROM {table}", ()),
        (f"INSERT OR REPLACE INTO {table} VALUES ({places})", before[0]),
    ]:
        with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
            raw.execute(statement, row)

    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


# --- getting there --------------------------------------------------------------------------------


def test_opening_again_changes_nothing(path: Path) -> None:
    Database.open(path).close_sync()
    before = path.read_bytes()

    Database.open(path).close_sync()

    assert path.read_bytes() == before


def test_an_up_to_date_inventory_does_not_load_alembic(path: Path) -> None:
    Database.open(path).close_sync()
    script = (
        "import sys; from pathlib import Path; from kmtui.db.database import Database\n"
        "Database.open(Path(sys.argv[1])).close_sync()\n"
        "sys.exit('alembic' in sys.modules)\n"
    )

    assert subprocess.run([sys.executable, "-c", script, str(path)]).returncode == 0


def test_a_migration_that_fails_leaves_nothing_and_can_be_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = migrations.upgrade

    def cut_off(connection: Connection) -> None:
        upgrade(connection)
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "upgrade", cut_off)
        with pytest.raises(DatabaseError):
            Database.open(path)
    raw = sqlite3.connect(path)
    left = raw.execute("SELECT name FROM sqlite_schema").fetchall()
    raw.close()

    assert left == []
    Database.open(path).close_sync()


def test_an_older_inventory_is_copied_before_it_is_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: an inventory, and a program that knows one schema more
    db = Database.open(path)
    db.write_sync(lambda session: accounts.insert(session, account("prod")))
    db.close_sync()
    newer = migrations.SCHEMA_VERSION + 1
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", newer)

    # when
    Database.open(path).close_sync()

    # then
    copy = path.with_name(f"kmtui.db.schema-{newer - 1}.backup")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    old, new = sqlite3.connect(copy), sqlite3.connect(path)
    assert old.execute("SELECT name FROM account").fetchall() == [("prod",)]
    assert old.execute("PRAGMA user_version").fetchone() == (newer - 1,)
    assert new.execute("SELECT name FROM account").fetchall() == [("prod",)]
    assert new.execute("PRAGMA user_version").fetchone() == (newer,)
    old.close()
    new.close()
    assert [file.name for file in path.parent.glob("*.partial")] == []


def test_an_older_inventory_is_not_migrated_read_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database.open(path).close_sync()
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", migrations.SCHEMA_VERSION + 1)

    with pytest.raises(DatabaseError, match="older schema"):
        Database.open(path, read_only=True)


def test_only_one_process_migrates(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir(mode=0o700)
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 0.1)

    with (
        migrations.migration_lock(path),
        pytest.raises(DatabaseError, match="another process is migrating"),
        migrations.migration_lock(path),
    ):
        pass
