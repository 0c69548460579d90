"""The log of each request; lines are added, never changed."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from kmtui.db import rows
from kmtui.db.tables import RequestLogRow
from kmtui.model import LogLine


def append(session: Session, request_id: str, *, at: datetime, level: str, text: str) -> LogLine:
    """Add a line; `level` is `info`, `good`, `warn` or `bad`."""
    fields = {"request_id": request_id, "at": at, "level": level, "text": text}
    number = rows.append(session, RequestLogRow, [fields])
    return LogLine(id=number, request_id=request_id, at=at, level=level, text=text)


def of(session: Session, request_id: str, *, after: int = 0) -> list[LogLine]:
    """The lines of a request, oldest first; only those with an id above `after`."""
    statement = (
        select(RequestLogRow)
        .where(RequestLogRow.request_id == request_id, col(RequestLogRow.id) > after)
        .order_by(col(RequestLogRow.id))
    )
    return [_model(row) for row in session.exec(statement)]


def _model(row: RequestLogRow) -> LogLine:
    return LogLine(
        id=row.id or 0, request_id=row.request_id, at=row.at, level=row.level, text=row.text
    )
