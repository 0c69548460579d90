"""What counts against a CA's rate limits, as far as this inventory knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, delete, func
from sqlmodel import Session, col, select

from kmtui.db import rows
from kmtui.db.tables import RateEventRow

_SINCE = (
    select(RateEventRow.at)
    .where(
        RateEventRow.ca == bindparam("ca"),
        RateEventRow.what == bindparam("what"),
        RateEventRow.per == bindparam("per"),
        RateEventRow.scope == bindparam("scope"),
        col(RateEventRow.at) > bindparam("start"),
    )
    .order_by(col(RateEventRow.at))
)
_FORGET_BEFORE = delete(RateEventRow).where(col(RateEventRow.at) < bindparam("moment"))


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
    wanted = {"ca": ca, "what": what, "per": per, "scope": scope, "start": start}
    return list(session.connection().execute(_SINCE, wanted).scalars())


def scopes(
    session: Session, *, ca: str, what: str, per: str, start: datetime, most: int
) -> list[str]:
    """The accounts, sets of names, domains or names with such events after `start`: those with the
    most events, at most so many."""
    statement = (
        select(RateEventRow.scope)
        .where(
            RateEventRow.ca == ca,
            RateEventRow.what == what,
            RateEventRow.per == per,
            col(RateEventRow.at) > start,
        )
        .group_by(col(RateEventRow.scope))
        .order_by(func.count().desc(), col(RateEventRow.scope))
        .limit(most)
    )
    return list(session.exec(statement))


def forget_before(session: Session, moment: datetime) -> None:
    """Drop what no limit looks at any more."""
    session.connection().execute(_FORGET_BEFORE, {"moment": moment})
