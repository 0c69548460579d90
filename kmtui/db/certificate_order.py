"""The orders of the list of certificates, each walked along an index.

Two are no column of the table: the state, which follows from the clock, and the name of the
account, which is another table's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column
from sqlmodel import Session, col, select

from kmtui.core.errors import InvalidInput
from kmtui.db.certificate_states import states
from kmtui.db.filters import Condition
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import AccountRow, CertificateRow
from kmtui.model import Certificate, CertificateStatus, ListQuery

Fields = dict[str, Any]
_EXPIRY, _ID = col(CertificateRow.expiry_key), col(CertificateRow.id)
STORED = {
    "expires": Sort(_EXPIRY),
    "name": Sort(col(CertificateRow.name)),
    "renewal": Sort(col(CertificateRow.due_at)),
    "versions": Sort(col(CertificateRow.version_count), descending=True),
    "issuer": Sort(col(CertificateRow.issuer)),
    "created": Sort(col(CertificateRow.created_at), descending=True),
    "attempt": Sort(col(CertificateRow.last_request_at), descending=True),
}
"""Sort words that are columns; the list's own order is the first."""
FIELDS = tuple(
    name
    for name in CertificateRow.model_fields
    if name in Certificate.__dataclass_fields__ or name == "current_revoked_at"
)
"""What is read of a row."""
_COLUMNS = [getattr(CertificateRow, name) for name in FIELDS]
STATUS, ACCOUNT = "status", "account"
SORTS = (*STORED, STATUS, ACCOUNT)
"""Every sort word."""

URGENCY = (
    CertificateStatus.EXPIRED,
    CertificateStatus.EXPIRING,
    CertificateStatus.DUE,
    CertificateStatus.AVAILABLE,
    CertificateStatus.PENDING,
    CertificateStatus.VALID,
    CertificateStatus.REVOKED,
    CertificateStatus.ARCHIVED,
)
"""The order by status: what needs an operator comes first."""


def page(session: Session, query: ListQuery, conditions: Sequence[Condition]) -> list[Fields]:
    """The `FIELDS` of one page's rows. Raises InvalidInput for an unknown sort word."""
    if query.sort == STATUS:
        return _by_status(session, query, conditions)
    if query.sort == ACCOUNT:
        return _by_account(session, query, conditions)
    if query.sort and query.sort not in STORED:
        raise InvalidInput(
            f"cannot sort by {query.sort!r}", field="sort", hint="one of: " + ", ".join(SORTS)
        )
    statement = select(CertificateRow).where(*conditions)
    return _rows(session, paged(statement, query, STORED, _ID))


def _by_status(session: Session, query: ListQuery, conditions: Sequence[Condition]) -> list[Fields]:
    """The states follow from the clock, so no index has their order: the ranks are taken from one
    that covers them, and only the rows of the page are read.
    """
    order = _directed(query, _rank(query.now), _EXPIRY, _ID)
    first = select(CertificateRow.id).where(*conditions).order_by(*order)
    wanted = session.exec(first.offset(query.offset).limit(query.limit)).all()
    by_id = {
        row["id"]: row for row in _rows(session, select(CertificateRow).where(_ID.in_(wanted)))
    }
    return [by_id[each] for each in wanted]


def _rank(now: datetime) -> ColumnElement[int]:
    conditions = states(now)
    return case(
        *((conditions[status], literal_column(str(rank))) for rank, status in enumerate(URGENCY)),
    )


def _by_account(
    session: Session, query: ListQuery, conditions: Sequence[Condition]
) -> list[Fields]:
    """Account by account along its name, the certificates of each along their expiry; those
    without an account are at the end.
    """
    # The sign keeps the accounts in the outer loop: the other way around all would be sorted.
    mine = literal_column("+account.id") == col(CertificateRow.account_id)
    owned = (
        select(CertificateRow)
        .select_from(AccountRow)
        .join(CertificateRow, mine)
        .where(*conditions)
        .order_by(*_directed(query, col(AccountRow.name), _EXPIRY, _ID))
    )
    none = col(CertificateRow.account_id).is_(None)
    orphaned = (
        select(CertificateRow).where(none, *conditions).order_by(*_directed(query, _EXPIRY, _ID))
    )
    rows: list[Fields] = []
    offset = query.offset
    for statement in (orphaned, owned) if query.descending else (owned, orphaned):
        room = query.limit - len(rows)
        found = _rows(session, statement.offset(offset).limit(room))
        rows += found
        if len(rows) == query.limit:
            break
        if not found and offset:
            counted = statement.order_by(None).with_only_columns(func.count())
            offset -= session.execute(counted).scalar_one()
        else:
            offset = 0
    return rows


def _rows(session: Session, statement: Select[Any]) -> list[Fields]:
    """Without objects that a session keeps track of: they take three times as long to make."""
    found = session.execute(statement.with_only_columns(*_COLUMNS))
    return [dict(zip(FIELDS, row, strict=True)) for row in found]


def _directed(query: ListQuery, *columns: Any) -> list[ColumnElement[Any]]:
    return [column.desc() if query.descending else column.asc() for column in columns]
