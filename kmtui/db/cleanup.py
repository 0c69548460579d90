"""The journal of challenge answers: a row before each effect, done when the answer is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import bindparam, func, literal_column, or_
from sqlmodel import Session, col, select

from kmtui.db import filters, rows
from kmtui.db.tables import CleanupRow, RequestRow
from kmtui.model import ACTIVE_STATUSES, CleanupEntry

CHANGEABLE = frozenset({"state", "handle", "attempts", "next_attempt_at", "last_error"})
# Written out, not bound: SQLite matches a partial index by the text of its condition.
_PENDING = col(CleanupRow.state) != literal_column("'done'")
_PENDING_OF = (
    sqlalchemy.select(CleanupRow.__table__)  # type: ignore[attr-defined]
    .where(_PENDING, col(CleanupRow.request_id) == bindparam("request_id"))
    .order_by(col(CleanupRow.created_at), col(CleanupRow.id))
)


def insert(session: Session, entry: CleanupEntry) -> None:
    """Note an answer that is about to be published."""
    fields = {name: getattr(entry, name) for name in CleanupRow.model_fields}
    rows.insert(session, CleanupRow(**fields))


def update(session: Session, entry_id: str, **fields: Any) -> None:
    """Set state, handle, attempts, next_attempt_at or last_error. Raises NotFound."""
    rows.change(session, CleanupRow, "clean-up", entry_id, fields, CHANGEABLE)


def pending(session: Session, request_id: str | None = None) -> list[CleanupEntry]:
    """What was published, or may have been, and is not known to be gone: oldest first.

    Of one request, or of all.
    """
    if request_id is None:
        return pending_where(session)
    found = session.connection().execute(_PENDING_OF, {"request_id": request_id})
    return [CleanupEntry(**row._mapping) for row in found]


def due(session: Session, now: datetime) -> list[CleanupEntry]:
    """The pending ones whose next attempt may be made now."""
    next_attempt = col(CleanupRow.next_attempt_at)
    return pending_where(session, or_(next_attempt.is_(None), next_attempt <= now))


def pending_where(session: Session, *conditions: filters.Condition) -> list[CleanupEntry]:
    """The pending ones that satisfy the conditions."""
    statement = (
        select(CleanupRow)
        .where(_PENDING, *conditions)
        .order_by(col(CleanupRow.created_at), col(CleanupRow.id))
    )
    return [_model(row) for row in session.exec(statement)]


def left_behind(session: Session) -> list[CleanupEntry]:
    """The pending ones that could not be removed, or whose request ended: oldest first."""
    active = select(RequestRow.id).where(col(RequestRow.status).in_(ACTIVE_STATUSES))
    return pending_where(
        session,
        or_(col(CleanupRow.state) == "failed", col(CleanupRow.request_id).not_in(active)),
    )


def count_pending(session: Session) -> int:
    """How many answers wait to be removed."""
    return session.exec(select(func.count()).select_from(CleanupRow).where(_PENDING)).one()


def _model(row: CleanupRow) -> CleanupEntry:
    return CleanupEntry(**{name: getattr(row, name) for name in CleanupRow.model_fields})
