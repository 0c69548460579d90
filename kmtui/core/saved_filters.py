"""Filters under a name: the same for the screen and for commands, on this inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput
from kmtui.core.events import FilterChanged
from kmtui.db import accounts, activity, certificates, dns, requests, saved_filters, servers
from kmtui.model import ListQuery, SavedFilter


class Rows(Protocol):
    """The queries of one list."""

    def page(self, session: Session, query: ListQuery, /) -> Sequence[Any]:
        """One page."""
        ...

    def count(self, session: Session, query: ListQuery, /) -> int:
        """How many match."""
        ...


LISTS: Mapping[str, Rows] = {
    "certificates": certificates,
    "requests": requests,
    "accounts": accounts,
    "dns": dns,
    "servers": servers,
    "activity": activity,
}
"""The lists that can be filtered."""
LONGEST_NAME = 40


class SavedFilters:
    """What operators look for again and again."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def check(self, of: str, text: str, *, sort: str = "") -> None:
        """Raise InvalidInput for a filter that says nothing (an unknown word, a bad value), and for
        an order that the list does not have.
        """
        rows = LISTS[_known(of)]
        query = ListQuery(now=self._context.clock(), text=text, sort=sort, limit=0)
        await self._context.db.read(lambda session: rows.page(session, query))

    async def count(self, of: str, text: str) -> int:
        """How many rows of the list a filter shows now. Raises InvalidInput."""
        rows = LISTS[_known(of)]
        query = ListQuery(now=self._context.clock(), text=text)
        return await self._context.db.read(lambda session: rows.count(session, query))

    async def all(self, of: str) -> list[SavedFilter]:
        """Those of one list, by name. Raises InvalidInput for an unknown list."""
        known = _known(of)
        return await self._context.db.read(lambda session: saved_filters.list_all(session, known))

    async def get(self, of: str, name: str) -> SavedFilter:
        """The one of that name, in any case. Raises NotFound."""
        known = _known(of)
        return await self._context.db.read(lambda session: saved_filters.get(session, known, name))

    async def add(
        self, of: str, name: str, text: str, *, sort: str = "", descending: bool = False
    ) -> SavedFilter:
        """Keep a filter under a name, in place of the one that had it.

        Raises InvalidInput for a filter that says nothing, an unknown order, or no name.
        """
        self._context.access.require_change()
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise InvalidInput(f"a name has 1 to {LONGEST_NAME} characters", field="name")
        await self.check(of, text, sort=sort)
        now = self._context.clock()
        kept = SavedFilter(
            list=of, name=name, text=text, sort=sort, descending=descending, created_at=now
        )

        def store(session: Session) -> None:
            saved_filters.put(session, kept)
            self._context.record(session, "filter add", "filter", None, name, detail=text)

        await self._context.db.write(store)
        self._context.bus.publish(FilterChanged(of))
        return kept

    async def delete(self, of: str, name: str) -> None:
        """Forget a filter. Raises NotFound."""
        self._context.access.require_change()
        known = _known(of)

        def remove(session: Session) -> None:
            gone = saved_filters.delete(session, known, name)
            self._context.record(
                session, "filter delete", "filter", None, gone.name, detail=gone.text
            )

        await self._context.db.write(remove)
        self._context.bus.publish(FilterChanged(of))


def _known(of: str) -> str:
    if of not in LISTS:
        raise InvalidInput(
            f"there is no list {of!r}", field="list", hint="one of: " + ", ".join(LISTS)
        )
    return of
