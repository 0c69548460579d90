"""Rows, columns and where rows come from: what a table shows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from kmtui.status import Cell

PAGE_SIZE = 128
"""Rows read at once: about seven screens, 0.15 to 2 ms on an indexed table."""
PAGES_KEPT = 16


@dataclass(frozen=True, slots=True)
class Row:
    """One row. Equal rows are not painted again."""

    key: str
    """Primary key: the cursor and the marks hold on to it."""
    cells: tuple[Cell, ...]
    """Text and tone, one for each column. Filtered where it is drawn."""
    status: str = ""
    """Status word whose glyph stands before the row."""
    data: Any = None
    """What the row was made from, for the screen's use."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: at least `min` cells wide, growing to `max` by its share `flex` of free room."""

    title: str
    min: int
    max: int | None = None
    flex: int = 0
    align: str = "left"
    drop: int = 0
    """Where room is short, columns go in the order of this number, highest first; 0 stays."""
    middle: bool = False
    """Shorten in the middle, so that both ends of a name are seen."""
    sort: str = ""
    """The sort word of the list that this column stands for."""


class RowSource(Protocol):
    """Where a table gets its rows: one query, in one order."""

    async def count(self) -> int:
        """How many rows there are."""
        ...

    async def page(self, offset: int, limit: int) -> Sequence[Row]:
        """At most `limit` rows from `offset` on. MUST not block the event loop."""
        ...


@runtime_checkable
class LocatingSource(Protocol):
    """A source that also knows where a key is, so that the cursor finds its row far away."""

    async def index(self, key: str) -> int | None:
        """Position of the row with this key, or None when the query does not hold it."""
        ...


class ListSource:
    """Rows that are in memory already: for short lists and for tests."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows = list(rows)

    async def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    async def page(self, offset: int, limit: int) -> Sequence[Row]:
        """A slice of the rows."""
        return self.rows[offset : offset + limit]

    async def index(self, key: str) -> int | None:
        """Position of a key."""
        return next((at for at, row in enumerate(self.rows) if row.key == key), None)


class Pages:
    """The rows of one source read so far: the `PAGES_KEPT` pages used last."""

    def __init__(self, source: RowSource, count: int) -> None:
        self.source = source
        self.count = count
        self._pages: OrderedDict[int, Sequence[Row]] = OrderedDict()

    def row(self, index: int) -> Row | None:
        """The row at `index`, or None while its page is not read."""
        number, at = divmod(index, PAGE_SIZE)
        page = self._pages.get(number)
        if page is None or not 0 <= at < len(page):
            return None
        self._pages.move_to_end(number)
        return page[at]

    def find(self, key: str) -> int | None:
        """Position of a key among the pages read so far."""
        for number, page in self._pages.items():
            for at, row in enumerate(page):
                if row.key == key:
                    return number * PAGE_SIZE + at
        return None

    def missing(self, first: int, last: int) -> list[int]:
        """Numbers of the pages between two positions that are not read."""
        last = min(last, self.count - 1)
        numbers = range(max(first, 0) // PAGE_SIZE, last // PAGE_SIZE + 1) if last >= 0 else ()
        return [number for number in numbers if number not in self._pages]

    async def load(self, number: int) -> None:
        """Read one page."""
        self._pages[number] = await self.source.page(number * PAGE_SIZE, PAGE_SIZE)
        self._pages.move_to_end(number)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)

    async def locate(self, key: str, near: int) -> int | None:
        """Position of a key: asked of the source if it knows, else looked for around `near`."""
        if isinstance(self.source, LocatingSource):
            return await self.source.index(key)
        for number in self.missing(near - PAGE_SIZE, near + PAGE_SIZE):
            await self.load(number)
        return self.find(key)

    async def keys(self, first: int, last: int) -> list[str]:
        """The keys from position `first` to `last`, both included."""
        found: list[str] = []
        while first <= last:
            rows = await self.source.page(first, min(last - first + 1, 8 * PAGE_SIZE))
            if not rows:
                break
            found.extend(row.key for row in rows)
            first += len(rows)
        return found


@lru_cache(maxsize=64)
def layout(columns: tuple[Column, ...], width: int) -> list[tuple[int, int]]:
    """Which columns fit into `width` cells, and how wide each is: pairs of (column, width).

    One cell stands between columns. Where even the columns that stay do not fit, the widest gives
    way; the result never exceeds `width`.
    """
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed(columns, shown) > width:
        victim = max(shown, key=lambda at: columns[at].drop)
        if columns[victim].drop == 0:
            break
        shown.remove(victim)
    widths = {at: columns[at].min for at in shown}
    free = width - _needed(columns, shown)
    while free < 0 and any(widths.values()):
        widest = max(shown, key=lambda at: widths[at])
        widths[widest] -= 1
        free += 1
    growing = [at for at in shown if columns[at].flex]
    while free > 0 and growing:
        share = sum(columns[at].flex for at in growing)
        given = 0
        for at in tuple(growing):
            limit = columns[at].max
            extra = max(free * columns[at].flex // share, 1)
            extra = min(extra, free - given, extra if limit is None else limit - widths[at])
            widths[at] += extra
            given += extra
            if limit is not None and widths[at] >= limit:
                growing.remove(at)
        free -= given
        if not given:
            break
    return [(at, widths[at]) for at in shown]


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[at].min for at in shown) + len(shown) - 1
