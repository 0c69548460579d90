"""Pages of a list: sort words to columns, a stable order, offset and limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.core.errors import InvalidInput
from kmtui.model import ListQuery

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sort:
    """A column that a list can be sorted by, and the direction one expects of it."""

    column: Mapped[Any]
    descending: bool = False


def paged(
    statement: SelectOfScalar[T], query: ListQuery, sorts: Mapping[str, Sort], tie: Mapped[Any]
) -> SelectOfScalar[T]:
    """The statement, ordered and cut to the page; `sorts` begins with the list's own order.

    `tie` is unique and follows the same direction, so that one index serves both ways.
    Raises InvalidInput for an unknown sort word.
    """
    word = query.sort or next(iter(sorts))
    if word not in sorts:
        raise InvalidInput(
            f"cannot sort by {word!r}", field="sort", hint="one of: " + ", ".join(sorts)
        )
    sort = sorts[word]
    own_order = not query.sort or query.descending is None
    descending = sort.descending if own_order else query.descending
    columns = [sort.column] if sort.column is tie else [sort.column, tie]
    order: list[ColumnElement[Any]] = [
        column.desc() if descending else column.asc() for column in columns
    ]
    return statement.order_by(*order).offset(query.offset).limit(query.limit)
