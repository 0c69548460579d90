"""Intents and results of the trail: which act was cut off before its result was written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.dialects import sqlite
from sqlmodel import Session, select

from kmtui.db import activity, intents
from kmtui.db.database import Database
from kmtui.db.tables import ActivityRow
from kmtui.model import ListQuery

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OUTCOMES = {"s": "started", "o": "ok", "f": "failed"}


def write(
    db: Database,
    letters: str,
    *,
    action: str = "deploy",
    object_id: str | None = "c1",
    at: datetime = NOW - timedelta(hours=2),
) -> None:
    """A line for each letter: s(tarted), o(k), f(ailed)."""
    for letter in letters:
        outcome = OUTCOMES[letter]
        db.write_sync(
            lambda session, outcome=outcome: activity.append(  # type: ignore[misc]
                session,
                at=at,
                actor="ops@host1",
                action=action,
                object_type="certificate",
                object_id=object_id,
                object_name="shop",
                outcome=outcome,
            )
        )


def cut(db: Database) -> set[int]:
    query = ListQuery(now=NOW)
    return db.read_sync(lambda s: intents.interrupted(s, activity.page(s, query), NOW))


@pytest.mark.parametrize(
    ("letters", "interrupted"),
    [
        ("so", set()),
        ("sf", set()),
        ("s", {1}),
        ("ss", {1, 2}),
        ("sso", {1}),
        ("ssoo", set()),
        ("sos", {3}),
        ("sossf", {3}),
        ("oso", set()),
        ("", set()),
    ],
)
def test_an_intent_has_its_result_once_more_results_than_intents_follow(
    db: Database, letters: str, interrupted: set[int]
) -> None:
    write(db, letters)

    assert cut(db) == interrupted


def test_other_acts_and_other_objects_are_no_result(db: Database) -> None:
    write(db, "s")
    write(db, "o", action="revoke")
    write(db, "o", object_id="c2")
    write(db, "s", object_id=None, action="backup")
    write(db, "o", object_id=None, action="restore")

    assert cut(db) == {1, 4}
    write(db, "o", object_id=None, action="backup")
    assert cut(db) == {1}


def test_what_began_within_the_hour_may_be_under_way_and_a_request_tells_itself(
    db: Database,
) -> None:
    write(db, "s", at=NOW - timedelta(minutes=59))
    write(db, "s", action="request issue")

    assert cut(db) == set()


def test_the_index_on_the_object_answers(db: Database) -> None:
    statement = select(ActivityRow.id).where(intents.outcome("interrupted", NOW))
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})

    def plan(session: Session) -> list[str]:
        found = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
        return [row[3] for row in found]

    assert any("activity_by_object" in line for line in db.read_sync(plan))


def test_the_filter_knows_the_word_although_it_is_not_stored(db: Database) -> None:
    write(db, "sos")

    found = db.read_sync(lambda s: activity.page(s, ListQuery(now=NOW, text="outcome:interrupted")))
    others = db.read_sync(lambda s: activity.page(s, ListQuery(now=NOW, text="outcome:ok")))

    assert [line.id for line in found] == [3]
    assert [line.id for line in others] == [2]
