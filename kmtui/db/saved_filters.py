"""Filters that an operator keeps under a name, for each list its own."""

from __future__ import annotations

from sqlalchemy import delete as sql_delete
from sqlmodel import Session, col, select

from kmtui.core.errors import NotFound
from kmtui.db import rows
from kmtui.db.filters import Condition
from kmtui.db.tables import SavedFilterRow
from kmtui.model import SavedFilter


def list_all(session: Session, of: str) -> list[SavedFilter]:
    """Those of one list, by name."""
    name = col(SavedFilterRow.name)
    found = session.exec(select(SavedFilterRow).where(SavedFilterRow.list == of).order_by(name))
    return [_model(row) for row in found]


def get(session: Session, of: str, name: str) -> SavedFilter:
    """The one of that name, in any case. Raises NotFound, with the names there are."""
    row = session.exec(select(SavedFilterRow).where(*_called(of, name))).first()
    if row is None:
        names = ", ".join(each.name for each in list_all(session, of))
        hint = f"there are: {names}" if names else "kmtui filter add NAME TEXT keeps one"
        raise NotFound(f"no filter is kept under the name {name!r}", hint=hint)
    return _model(row)


def put(session: Session, kept: SavedFilter) -> None:
    """Keep a filter; the one of that name before, if any, is replaced."""
    session.exec(sql_delete(SavedFilterRow).where(*_called(kept.list, kept.name)))
    fields = {name: getattr(kept, name) for name in SavedFilterRow.model_fields}
    rows.append(session, SavedFilterRow, [fields])


def delete(session: Session, of: str, name: str) -> SavedFilter:
    """Forget a filter, and tell what it was. Raises NotFound."""
    kept = get(session, of, name)
    session.exec(sql_delete(SavedFilterRow).where(*_called(of, kept.name)))
    return kept


def _called(of: str, name: str) -> tuple[Condition, ...]:
    # The column compares in any case.
    return (col(SavedFilterRow.list) == of, col(SavedFilterRow.name) == name)


def _model(row: SavedFilterRow) -> SavedFilter:
    return SavedFilter(**{name: getattr(row, name) for name in SavedFilterRow.model_fields})
