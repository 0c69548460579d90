"""Rows of a list that the core reads page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from kmtui.model import ListQuery
from kmtui.widgets.rows import PAGE_SIZE, Row

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Service(Protocol[T_co]):
    """The part of the core that holds the list."""

    async def page(self, query: ListQuery) -> Sequence[T_co]:
        """At most `query.limit` of what matches, from `query.offset` on."""
        ...

    async def count(self, query: ListQuery) -> int:
        """How many match."""
        ...


class Queried(Generic[T]):
    """The rows of one query. The clock is read at each page: states follow from it."""

    def __init__(
        self,
        service: Service[T],
        row: Callable[[T, datetime], Row],
        *,
        text: str = "",
        sort: str = "",
        descending: bool | None = None,
    ) -> None:
        """`row` draws one thing as it stands at a moment."""
        self._service = service
        self._row = row
        self._text = text
        self._sort = sort
        self._descending = descending
        self._first: Sequence[Row] | None = None
        """The first page, read with the count and not asked for yet."""

    async def count(self) -> int:
        """How many rows there are. The first page is read meanwhile: it is asked for next."""
        now = datetime.now(UTC)
        count, first = await asyncio.gather(
            self._service.count(self._query(now)), self._read(0, PAGE_SIZE)
        )
        self._first = first
        return count

    async def page(self, offset: int, limit: int) -> Sequence[Row]:
        """At most `limit` rows from `offset` on."""
        first, self._first = self._first, None
        if first is not None and (offset, limit) == (0, PAGE_SIZE):
            return first
        return await self._read(offset, limit)

    async def _read(self, offset: int, limit: int) -> Sequence[Row]:
        now = datetime.now(UTC)
        found = await self._service.page(self._query(now, offset, limit))
        return [self._row(thing, now) for thing in found]

    def _query(self, now: datetime, offset: int = 0, limit: int = 128) -> ListQuery:
        return ListQuery(
            now=now,
            text=self._text,
            sort=self._sort,
            descending=self._descending,
            offset=offset,
            limit=limit,
        )
