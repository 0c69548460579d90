"""Intents of the trail that have no result: whoever acted was cut off before writing it down.

Effects outside are put on record before they begin and again with what came of them. Several acts
of one kind on one object may run at once, so results are counted, not paired: an intent has its
result as soon as more results than intents have followed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, case, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from kmtui.db.filters import Condition
from kmtui.db.tables import ActivityRow
from kmtui.model import Activity

STARTED, INTERRUPTED = "started", "interrupted"
UNDER_WAY = timedelta(hours=1)
"""An act without a result is taken to be under way so long."""
WAITING = "request "
"""Actions that begin so start a request, which may wait for days and tells its state itself."""


def outcome(value: str, now: datetime) -> Condition:
    """Lines whose outcome begins with a word; ``interrupted`` is none that is stored."""
    stored = col(ActivityRow.outcome).startswith(value, autoescape=True)
    return _interrupted(now) if INTERRUPTED.startswith(value) else stored


def interrupted(session: Session, lines: Iterable[Activity], now: datetime) -> set[int]:
    """Ids of those lines that are intents without a result."""
    intents = [line.id for line in lines if line.outcome == STARTED]
    if not intents:
        return set()
    statement = select(ActivityRow.id).where(col(ActivityRow.id).in_(intents), _interrupted(now))
    return {found for found in session.exec(statement) if found is not None}


def _interrupted(now: datetime) -> Condition:
    later = aliased(ActivityRow)
    weight = case((col(later.outcome) == STARTED, -1), else_=1)
    following = (
        select(func.sum(weight).over(order_by=col(later.id)).label("balance"))
        .where(
            # By the index on the object, which few lines share: the one on the action is hidden.
            col(later.object_id).is_not_distinct_from(ActivityRow.object_id),
            col(later.id) > ActivityRow.id,
            col(later.action).concat("") == ActivityRow.action,
            col(later.object_type) == ActivityRow.object_type,
        )
        .correlate(ActivityRow)
        .subquery()
    )
    most = select(func.coalesce(func.max(following.c.balance), 0)).scalar_subquery()
    return and_(
        col(ActivityRow.outcome) == STARTED,
        ~col(ActivityRow.action).startswith(WAITING),
        col(ActivityRow.at) < now - UNDER_WAY,
        most <= 0,
    )
