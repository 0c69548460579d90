"""The audit trail: lines are added, never changed; each carries a hash over itself and the former.

The chain shows a line edited or cut out of the middle by somebody who went around the triggers. It
cannot show a trail cut off at its end.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from kmtui.db import filter_values, filters, intents, rows
from kmtui.db.columns import storable, utc_text
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import ActivityRow
from kmtui.model import Activity, ListQuery

_AS_STORED = tuple(name for name in Activity.__dataclass_fields__ if name != "id")
_NEWEST_HASH = (
    sqlalchemy.select(ActivityRow.hash).order_by(col(ActivityRow.id).desc()).limit(1)  # type: ignore[call-overload]
)
_HEAD = sqlalchemy.select(ActivityRow.id, ActivityRow.hash).order_by(  # type: ignore[call-overload]
    col(ActivityRow.id).desc()
)
_EVERY_LINE = sqlalchemy.select(
    *(getattr(ActivityRow, name) for name in ActivityRow.model_fields)
).order_by(col(ActivityRow.id))
"""As plain rows: making objects of a million lines would take minutes."""
SORTS = {
    "at": Sort(col(ActivityRow.id), descending=True),
    "who": Sort(col(ActivityRow.actor)),
    "from": Sort(col(ActivityRow.origin)),
    "what": Sort(col(ActivityRow.action)),
    "on": Sort(col(ActivityRow.object_name)),
    "outcome": Sort(col(ActivityRow.outcome)),
}
"""Lines are written in the order of time, so their number is the list's own order."""


def append(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    object_type: str,
    object_id: str | None,
    object_name: str,
    outcome: str = "ok",
    detail: str = "",
    origin: str = "",
) -> Activity:
    """Add a line; `outcome` is `ok`, `failed` or `started`."""
    line = Activity(
        id=0,
        at=at,
        actor=storable(actor),
        action=action,
        object_type=object_type,
        object_id=object_id,
        object_name=storable(object_name),
        outcome=outcome,
        detail=storable(detail),
        origin=storable(origin),
    )
    former = session.connection().execute(_NEWEST_HASH).scalar()
    fields = {name: getattr(line, name) for name in _AS_STORED}
    fields["hash"] = _hash(former or "", line)
    return replace(line, id=rows.append(session, ActivityRow, [fields]))


def page(session: Session, query: ListQuery) -> list[Activity]:
    """One page, newest first. Qualifiers: `who`, `what`, `on`, `outcome`, `object`,
    `since`."""
    statement = select(ActivityRow).where(*_conditions(query))
    found = session.exec(paged(statement, query, SORTS, col(ActivityRow.id)))
    return [_model(row) for row in found]


def count(session: Session, query: ListQuery) -> int:
    """How many lines the query matches."""
    statement = select(func.count()).select_from(ActivityRow).where(*_conditions(query))
    return session.exec(statement).one()


def since(session: Session, moment: datetime, query: ListQuery) -> list[Activity]:
    """As `page`, only lines written at `moment` or later."""
    statement = select(ActivityRow).where(col(ActivityRow.at) >= moment, *_conditions(query))
    found = session.exec(paged(statement, query, SORTS, col(ActivityRow.id)))
    return [_model(row) for row in found]


def first_broken_link(session: Session) -> int | None:
    """The id of the first line whose hash does not follow from the lines before, or None."""
    former = ""
    for row in session.execute(_EVERY_LINE).yield_per(1000):
        if row.hash != _hash(former, row):
            return int(row.id)
        former = row.hash
    return None


def head(session: Session) -> tuple[int, str]:
    """Id and hash of the newest line; 0 and nothing when there is none."""
    found = session.execute(_HEAD).first()
    return (found.id, found.hash) if found else (0, "")


def hash_of(session: Session, line_id: int) -> str | None:
    """The hash of a line; None when it is not there."""
    return session.exec(select(ActivityRow.hash).where(ActivityRow.id == line_id)).first()


def _conditions(query: ListQuery) -> list[filters.Condition]:
    searched = func.lower(
        col(ActivityRow.actor)
        + " "
        + col(ActivityRow.action)
        + " "
        + col(ActivityRow.object_name)
        + " "
        + col(ActivityRow.detail)
    )
    qualifiers: filters.Qualifiers = {
        "who": lambda value: col(ActivityRow.actor).icontains(value, autoescape=True),
        "what": lambda value: col(ActivityRow.action).icontains(value, autoescape=True),
        "on": lambda value: col(ActivityRow.object_name).icontains(value, autoescape=True),
        "outcome": lambda value: intents.outcome(value, query.now),
        "object": lambda value: col(ActivityRow.object_id) == value,
        "since": filter_values.since(col(ActivityRow.at), query.now),
    }
    return filters.conditions(query.text, searched, qualifiers)


def _hash(former: str, row: Any) -> str:
    line = [
        former,
        utc_text(row.at),
        row.actor,
        row.action,
        row.object_type,
        row.object_id,
        row.object_name,
        row.outcome,
        row.detail,
    ]
    # Lines of before there was an origin keep the hash they have.
    line += [row.origin] if row.origin else []
    return hashlib.sha256(json.dumps(line).encode()).hexdigest()


def _model(row: ActivityRow) -> Activity:
    return Activity(
        id=row.id or 0,
        at=row.at,
        actor=row.actor,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        object_name=row.object_name,
        outcome=row.outcome,
        detail=row.detail,
        origin=row.origin,
    )
