"""The base of every screen that is one list: filter, order, marks, and a pane beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from kmtui.bindings import KEYS, LISTED, bindings
from kmtui.core.errors import KmtuiError
from kmtui.screens.filtering import Filtering
from kmtui.screens.messages import Changed
from kmtui.screens.page import Page
from kmtui.status import Cell
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.filterbar import FilterBar
from kmtui.widgets.line import Line
from kmtui.widgets.rows import Column, Row, RowSource
from kmtui.widgets.rowtable import RowTable


class ListPage(Page):
    """A list with a status line above it and, from 100 columns on, a pane at its right.

    A subclass gives `COLUMNS`, `EMPTY` and `source`; for more: `counts`, `facts`, `row_line`,
    `open_row`.
    """

    COLUMNS: ClassVar[tuple[Column, ...]]
    EMPTY: ClassVar[str] = "Nothing here yet."
    MARKABLE: ClassVar[bool] = True
    MORE_SORTS: ClassVar[tuple[str, ...]] = ()
    """Sort words that no column stands for."""
    # First of all, at the moment it arrives: what is typed ahead of the filter goes to its field,
    # where letters are letters and no commands.
    BINDINGS: ClassVar[list[BindingType]] = [
        *(replace(key, priority=True) for key in bindings("filter", show=False)),
        *bindings(*(name for name in LISTED if name != "filter"), show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared by Textual
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (15, "-tall")]  # noqa: RUF012
    DEFAULT_CSS = """
    ListPage #pane { display: none; width: 46; padding: 0 0 0 1; }
    ListPage.-wide #pane.-used { display: block; }
    ListPage.-wide #row-line { display: none; }
    ListPage.-tiny StatusLine, ListPage.-short StatusLine { display: none; }
    ListPage.-tiny #row-line, ListPage.-short #row-line { display: none; }
    ListPage.-tiny JobStrip, ListPage.-short JobStrip { display: none; }
    ListPage.-filtering StatusLine { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = RowTable(self.COLUMNS, empty=self.EMPTY, markable=self.MARKABLE)
        self.filter_bar = FilterBar()
        self.filtering = Filtering(self, self.MODE)
        self.pane = Details(id="pane")
        self.row_line = Line(id="row-line")
        self.filter_text = ""
        self.sort = ""
        """Sort word; empty is the list's own order."""
        self.descending = False
        self._miscounted = self._counting = False

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self.filter_bar
        with Horizontal():
            yield self.table
            yield self.pane
        yield self.row_line

    # What a subclass gives

    def source(self) -> RowSource:
        """The rows for `filter_text`, `sort` and `descending`."""
        raise NotImplementedError

    async def counts(self) -> Sequence[Cell]:
        """Pieces for the status line: ``("214 names", "")``, ``("3 expired", "bad")``."""
        return ()

    def facts(self, row: Row) -> Sequence[Fact]:
        """What the pane says about a row; nothing hides the pane."""
        return ()

    def line(self, row: Row) -> Sequence[Cell]:
        """One line about a row, shown where there is no room for the pane."""
        return ()

    def open_row(self, row: Row) -> None:
        """Enter was pressed on a row."""

    # Reading and showing

    async def ready(self) -> None:
        self._read()

    async def changed(self, message: Changed) -> None:
        """Read the rows as of now; lines that did not change are not painted."""
        self._read()

    def _read(self) -> None:
        """Read rows and counts beside the screen: while it waited it would paint nothing."""
        self.table.reload(self.source())
        self._miscounted = True
        if not self._counting:
            self._counting = True
            self.run_worker(self._count(), group="counts")

    async def _count(self) -> None:
        try:
            while self._miscounted:
                self._miscounted = False
                self.status_line.tell(counts=await self.counts())
        except KmtuiError as error:
            self._say_error("counting", error)
        finally:
            self._counting = False

    def _query_changed(self) -> None:
        """Filter or order is another one."""
        self.table.sorted_by = (self.sort, self.descending) if self.sort else None
        self.status_line.tell(
            filter=self.filter_text, sort=self.order_words(self.sort, self.descending)
        )
        self.table.empty = (
            f"No match for /{self.filter_text}. esc clears the filter."
            if self.filter_text
            else self.EMPTY
        )
        if self.workbench.core is not None:
            self.table.reload(self.source(), top=True)

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        if event.table is not self.table:
            return
        self.status_line.tell(position=self.table.position)
        self.show_row()
        self.refresh_bindings()

    def show_row(self) -> None:
        """Tell about the row under the cursor; while a filter is typed, about its words."""
        row = self.table.row
        typed = self.filter_bar.typed
        if self.filter_bar.is_open and self.filtering.known:
            facts: Sequence[Fact] = self.filtering.facts(typed)
            line: Sequence[Cell] = self.filtering.line(typed, self.size.width)
        else:
            facts, line = (self.facts(row), self.line(row)) if row else ((), ())
        self.pane.set_class(bool(facts), "-used")
        self.pane.show(facts)
        self.row_line.show(line)

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        if event.table is self.table:
            self.open_row(event.row)

    def on_row_table_marked(self, event: RowTable.Marked) -> None:
        self.status_line.tell(marks=len(self.table.marks))

    def on_row_table_read_failed(self, event: RowTable.ReadFailed) -> None:
        self.say("this list could not be read; ctrl+r tries again", "bad")

    def on_filter_bar_typed(self) -> None:
        self.show_row()

    async def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        checked = self.workbench.core is not None and self.filtering.known
        if checked and not await self.filtering.accept(event.text):
            self.show_row()
            return
        self.filter_text = event.text
        self._query_changed()
        self.show_row()

    def on_filter_bar_closed(self, event: FilterBar.Closed) -> None:
        self.remove_class("-filtering")
        self.table.focus()
        self.show_row()
        if self.filtering.refusal is not None:
            self.say(self.filtering.said(self.size.width), "bad")

    def look_for(self, text: str, sort: str = "", descending: bool = False) -> None:
        """Filter by a text, in that order if one is given, as if both had been chosen here."""
        if sort in self._sorts:  # commands keep what they like
            self.sort, self.descending = sort, descending
            self._query_changed()
        self.filter_bar.set_text(text)

    @property
    def _sorts(self) -> list[str]:
        """The orders there are, beside the list's own."""
        return [*(column.sort for column in self.COLUMNS if column.sort), *self.MORE_SORTS]

    def order_words(self, sort: str, descending: bool) -> str:
        """An order by the title of its column: ``time v``; empty for the list's own."""
        titles = {column.sort: column.title.lower() for column in self.COLUMNS if column.sort}
        return f"{titles.get(sort, sort)} {'v' if descending else '^'}" if sort else ""

    # Keys

    def reason_against(self, key: str) -> str:
        """As every page; some lists have one order only."""
        if key in ("sort", "sort_reverse") and not self._sorts:
            return f"{KEYS[key].word}: this list has an order of its own"
        return super().reason_against(key)

    def copied(self) -> str:
        """The first cell of the row."""
        return self.table.row.cells[0][0] if self.table.row else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """As every page; in the field of the filter its key is a character like others."""
        if action == "filter" and self.filter_bar.is_open:
            return False
        if action in ("filters", "keep_filter") and not self.filtering.known:
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.filter_bar.open()
        self.show_row()

    def action_filters(self) -> None:
        self.filtering.show_kept()

    def action_keep_filter(self) -> None:
        """Keep what is typed, also where it is being typed."""
        text = self.filter_bar.typed if self.filter_bar.is_open else self.filter_text
        self.filter_bar.action_keep()
        self.filtering.keep(text)

    def action_sort(self) -> None:
        words = ["", *self._sorts]
        self.sort = words[(words.index(self.sort) + 1) % len(words)]
        self.descending = False
        self._query_changed()

    def action_sort_reverse(self) -> None:
        self.descending = not self.descending
        self._query_changed()

    def action_back(self) -> None:
        """One thing at a time: filter text, marks, screen."""
        if not (self.filter_bar.clear() or self.table.clear_marks()):
            super().action_back()
