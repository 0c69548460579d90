"""The audit trail: complete, in order, and telling when somebody changed it."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmtui.db import activity
from kmtui.db.database import Database
from kmtui.model import Activity
from tests.db.samples import DAY, NOW, query


def line(db: Database, **fields: object) -> Activity:
    row = {
        "at": NOW,
        "actor": "ops@host1",
        "action": "renew",
        "object_type": "certificate",
        "object_id": "id-1",
        "object_name": "shop.example.org",
        "outcome": "ok",
        "detail": "version 2",
    }
    return db.write_sync(lambda session: activity.append(session, **{**row, **fields}))


def actions(db: Database, text: str = "") -> list[str]:
    found = db.read_sync(lambda session: activity.page(session, query(text)))
    assert db.read_sync(lambda session: activity.count(session, query(text))) == len(found)
    return [row.action for row in found]


def test_newest_first_and_found_by_what_they_say(db: Database) -> None:
    line(db, action="renew", detail="Version 2")
    line(db, action="revoke", actor="alice", object_name="pay.example.org", object_id="id-2")
    line(db, action="save", outcome="failed")

    assert actions(db) == ["save", "revoke", "renew"]
    assert actions(db, "version SHOP") == ["save", "renew"]
    assert actions(db, "who:ali") == ["revoke"]
    assert actions(db, "what:re !on:pay") == ["renew"]
    assert actions(db, "outcome:failed") == ["save"]
    assert actions(db, "object:id-2") == ["revoke"]


def test_lines_since_a_moment(db: Database) -> None:
    line(db, action="old", at=NOW - DAY)
    line(db, action="new", at=NOW)

    found = db.read_sync(lambda session: activity.since(session, NOW, query()))

    assert [row.action for row in found] == ["new"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(detail=st.text(st.characters()))
def test_the_chain_holds_whatever_a_line_says(db: Database, detail: str) -> None:
    line(db, detail=detail)

    assert db.read_sync(activity.first_broken_link) is None


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE activity SET actor = 'nobody' WHERE id = 2",
        "UPDATE activity SET at = '2020-01-01T00:00:00.000000Z' WHERE id = 2",
        "DELETE FROM activity WHERE id = 1",
    ],
)
def test_a_line_changed_past_the_triggers_is_seen(db: Database, tampering: str) -> None:
    for _ in range(3):
        line(db)
    assert db.read_sync(activity.first_broken_link) is None

    raw = sqlite3.connect(db.path)
    raw.execute("DROP TRIGGER activity_refuses_update")
    raw.execute("DROP TRIGGER activity_refuses_delete")
    raw.execute(tampering)
    raw.commit()
    raw.close()

    assert db.read_sync(activity.first_broken_link) == 2
