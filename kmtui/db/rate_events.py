"""What counts against a CA's rate limits, as far as this inventory knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from kmtui.db import rows
from kmtui.db.tables import RateEventRow


def add(
    session: Session,
    *,
    at: datetime,
    ca: str,
    what: str,
    per: str,
    scopes: Iterable[str],
    request_id: str | None = None,
) -> None:
    """Note one event for each scope it counts in: an account, a set of names, a domain, a name."""
    event = {"at": at, "ca": ca, "what": what, "per": per, "request_id": request_id}
    rows.append(session, RateEventRow, [{**event, "scope": scope} for scope in scopes])


def since(
    session: Session, *, ca: str, what: str, per: str, scope: str, start: datetime
) -> list[datetime]:
    """When such events happened after `start`, oldest first."""
    statement = (
        select(RateEventRow.at)
        .where(
            RateEventRow.ca == ca,
            RateEventRow.what == what,
            RateEventRow.per == per,
            RateEventRow.scope == scope,
            col(RateEventRow.at) > start,
        )
        .order_by(col(RateEventRow.at))
    )
    return list(session.exec(statement))


def forget_before(session: Session, moment: datetime) -> None:
    """Drop what no limit looks at any more."""
    session.exec(delete(RateEventRow).where(col(RateEventRow.at) < moment))
