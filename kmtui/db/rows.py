"""Finding and changing single rows of a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Insert, Table, Update, bindparam
from sqlalchemy.orm import Mapped
from sqlmodel import Session, SQLModel, select

from kmtui.core.errors import NotFound

Row = TypeVar("Row", bound=SQLModel)


def by_word(session: Session, table: type[Row], word: str, *columns: Mapped[Any]) -> Row | None:
    """The row that has `word` in the first of `columns` that knows it (all unique), or None."""
    for column in columns:
        row = session.exec(select(table).where(column == word)).first()
        if row is not None:
            return row
    return None


def existing(
    session: Session, table: type[Row], what: str, word: str, *columns: Mapped[Any]
) -> Row:
    """As `by_word`; raises NotFound, naming `what` was looked for."""
    row = by_word(session, table, word, *columns)
    if row is None:
        raise NotFound(f"no {what} {word!r}")
    return row


def add(session: Session, row: SQLModel) -> None:
    """Insert now, so that a refused row is refused here and not at commit."""
    session.add(row)
    session.flush()


def insert(session: Session, row: SQLModel) -> int:
    """Insert a new row at once, and do not keep it in the session, for what is written often.

    Returns the number the database gave it.
    """
    return append(
        session, type(row), [{name: getattr(row, name) for name in type(row).model_fields}]
    )


def change(
    session: Session,
    table: type[SQLModel],
    what: str,
    row_id: str,
    fields: dict[str, Any],
    allowed: Collection[str],
) -> None:
    """Set columns of the row with that id without loading it, for what is written often.

    Raises NotFound, naming `what` was looked for; TypeError as `assign`.
    """
    _refuse_unknown(table, fields, allowed)
    values = {f"new_{name}": value for name, value in fields.items()}
    statement = _update_of(table, tuple(fields))
    found = session.connection().execute(statement, {"row_id": row_id, **values})
    if not found.rowcount:
        raise NotFound(f"no {what} {row_id!r}")
    session.expire_all()


@cache
def _update_of(table: type[SQLModel], names: tuple[str, ...]) -> Update:
    stored: Table = table.__table__  # type: ignore[attr-defined]
    values: dict[Any, Any] = {stored.c[name]: bindparam(f"new_{name}") for name in names}
    return stored.update().where(stored.c.id == bindparam("row_id")).values(values)


def append(session: Session, table: type[SQLModel], fields: Sequence[dict[str, Any]]) -> int:
    """Insert rows without loading them; the number the database gave the last one, else 0."""
    stored: Table = table.__table__  # type: ignore[attr-defined]
    done = session.connection().execute(_insert_into(stored), list(fields))
    return done.lastrowid or 0


@cache
def _insert_into(table: Table) -> Insert:
    return table.insert().inline()


def assign(
    session: Session, row: SQLModel, fields: dict[str, Any], allowed: Collection[str]
) -> None:
    """Set columns of a row; a name outside `allowed` is a mistake of the caller (TypeError)."""
    _refuse_unknown(type(row), fields, allowed)
    for name, value in fields.items():
        setattr(row, name, value)
    add(session, row)


def _refuse_unknown(
    table: type[SQLModel], fields: dict[str, Any], allowed: Collection[str]
) -> None:
    unknown = fields.keys() - set(allowed)
    if unknown:
        raise TypeError(f"{table.__name__} has no changeable {', '.join(sorted(unknown))}")


def remove(session: Session, row: SQLModel) -> None:
    """Delete now, so that a row in use is refused here and not at commit."""
    session.delete(row)
    session.flush()
