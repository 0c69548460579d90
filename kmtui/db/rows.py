"""Finding and changing single rows of a table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

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


def assign(
    session: Session, row: SQLModel, fields: dict[str, Any], allowed: Collection[str]
) -> None:
    """Set columns of a row; a name outside `allowed` is a mistake of the caller (TypeError)."""
    unknown = fields.keys() - set(allowed)
    if unknown:
        raise TypeError(f"{type(row).__name__} has no changeable {', '.join(sorted(unknown))}")
    for name, value in fields.items():
        setattr(row, name, value)
    add(session, row)


def remove(session: Session, row: SQLModel) -> None:
    """Delete now, so that a row in use is refused here and not at commit."""
    session.delete(row)
    session.flush()
