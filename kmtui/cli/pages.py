"""All rows of a list, fetched page by page so that no list is ever held twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from kmtui.model import ListQuery

Row = TypeVar("Row")

PAGE = 1000
"""Rows asked for at a time."""


async def every_page(
    page: Callable[[ListQuery], Awaitable[list[Row]]],
    *,
    text: str = "",
    sort: str = "",
    descending: bool | None = None,
    include_archived: bool = False,
) -> AsyncIterator[Row]:
    """Each row that `page` gives for the filter `text`; without `sort` in the list's own order."""
    now = datetime.now(UTC)
    offset = 0
    while True:
        rows = await page(
            ListQuery(
                now=now,
                text=text,
                sort=sort,
                descending=descending,
                offset=offset,
                limit=PAGE,
                include_archived=include_archived,
            )
        )
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        offset += PAGE
