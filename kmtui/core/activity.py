"""The audit trail: what anyone ever did, kept for ever."""

from __future__ import annotations

from kmtui.core.context import Context
from kmtui.db import activity as rows
from kmtui.model import Activity, ListQuery


class ActivityTrail:
    """Reads the append-only trail; writing is part of each service's transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, query: ListQuery) -> list[Activity]:
        """One page, newest first by default."""
        return await self._context.db.read(lambda session: rows.page(session, query))

    async def count(self, query: ListQuery) -> int:
        """How many lines the query matches."""
        return await self._context.db.read(lambda session: rows.count(session, query))
