"""Inventories of every earlier schema: opened, migrated, and nothing in them changed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from kmtui.db import migrations, requests
from kmtui.db.database import Database
from kmtui.db.documents import spec_to_json
from kmtui.model import RequestSpec

AT = "2026-10-01T07:12:40.000000Z"


def inventory(path: Path, revision: str) -> None:
    """An inventory as the program of that revision left it, with a request under way."""
    from alembic import command
    from alembic.config import Config

    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, revision)
    engine.dispose()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    raw.execute(f"PRAGMA user_version = {int(revision)}")
    spec = json.dumps(spec_to_json(RequestSpec(names=("a.example.org",), account="main")))
    raw.execute(
        "INSERT INTO request (id, kind, names, names_hash, search_text, spec, status, step,"
        " created_at, order_url, csr, attempt) VALUES"
        " ('r1', 'issue', ?, 'h', 'a.example.org', ?, 'validating', 'checking',"
        " ?, 'https://ca.test/order/1', x'3000', 0)",
        ('["a.example.org"]', spec, AT),
    )
    raw.close()


def schema(path: Path) -> set[str]:
    raw = sqlite3.connect(path)
    found = {
        " ".join(text.split())
        for (text,) in raw.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    }
    raw.close()
    return found


@pytest.mark.parametrize("revision", [f"{n:04}" for n in range(1, migrations.SCHEMA_VERSION)])
def test_an_earlier_inventory_is_brought_up_to_date(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "data" / "kmtui.db"
    inventory(path, revision)

    db = Database.open(path)

    try:
        request = db.read_sync(lambda session: requests.get(session, "r1"))
        assert request is not None
        assert (request.status, request.order_url) == ("validating", "https://ca.test/order/1")
        assert (request.replaces, request.retries, request.owner) == (None, 0, None)
        assert db.read_sync(lambda session: requests.csr(session, "r1")) == b"0\x00"
    finally:
        db.close_sync()
    fresh = tmp_path / "fresh" / "kmtui.db"
    Database.open(fresh).close_sync()
    assert schema(path) == schema(fresh)
    assert path.with_name(f"kmtui.db.schema-{int(revision)}.backup").exists()
