"""The base of the lists of what is set up once: accounts, DNS accounts, end servers, mappings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, bindings
from kmtui.screens.confirm import Confirm
from kmtui.screens.formpage import FormPage
from kmtui.screens.listpage import ListPage
from kmtui.screens.page import Page
from kmtui.screens.request_keys import vault_reason
from kmtui.screens.tasks import Work
from kmtui.status import Cell
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.rows import ListSource, Row, RowSource


class ReadSource(ListSource):
    """Rows of a short list, all read again whenever the table counts them."""

    def __init__(self, read: Callable[[], Awaitable[list[Row]]]) -> None:
        super().__init__()
        self._read = read

    async def count(self) -> int:
        self.rows = await self._read()
        return len(self.rows)


class SetupList(ListPage):
    """A short list whose rows are filtered and ordered in memory.

    A subclass gives `NOUN` and `rows`; for the keys it binds `new_form`, `edit_form`, `detail`,
    `against`, `deletion`. `row.status` ``failed`` counts as failing.
    """

    NOUN: ClassVar[tuple[str, str]] = ("row", "rows")
    """One, many."""
    MARKABLE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("new", "filters", "keep_filter", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self.pane = Details(label_width=12, id="pane")

    # What a subclass gives

    async def rows(self) -> list[Row]:
        """All rows in the list's own order."""
        raise NotImplementedError

    def new_form(self) -> FormPage:
        """The form behind ``n``."""
        raise NotImplementedError

    def edit_form(self, row: Row) -> FormPage:
        """The form behind ``E``."""
        raise NotImplementedError

    def detail(self, row: Row, *, test: bool = False) -> Page | None:
        """The screen of a row; with `test` it begins with a test."""
        return None

    def against(self, key: str, row: Row) -> str:
        """Why a key can do nothing to this row."""
        return ""

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        """What ``D`` removes: its name, what follows from it, and the doing."""
        raise NotImplementedError

    # Reading

    def source(self) -> RowSource:
        return ReadSource(self._rows_shown)

    async def counts(self) -> Sequence[Cell]:
        rows = await self.rows()
        failing = sum(row.status == "failed" for row in rows)
        one, many = self.NOUN
        counts = [(f"{len(rows)} {one if len(rows) == 1 else many}", "")]
        return [*counts, (f"{failing} failing", "bad")] if failing else counts

    async def _rows_shown(self) -> list[Row]:
        rows = [row for row in await self.rows() if matches(row, self.filter_text)]
        if self.sort or self.descending:
            words = [column.sort for column in self.COLUMNS]
            at = words.index(self.sort) if self.sort else 0
            rows.sort(key=lambda row: _rank(row.cells[at][0]), reverse=self.descending)
        return rows

    # Keys

    def impossible(self, key: str) -> str:
        row = self.table.row
        if key in _OF_ROW and row is None:
            return f"{KEYS[key].word}: there is no {self.NOUN[0]} yet"
        if reason := vault_reason(self.core, key) if key in KEYS else "":
            return reason
        return self.against(key, row) if row is not None else ""

    def open_row(self, row: Row) -> None:
        if (screen := self.detail(row)) is not None:
            self.app.push_screen(screen)

    def action_new(self) -> None:
        form = self.new_form()

        def find(_: None) -> None:
            if form.made:
                self.table.select(form.made)

        self.app.push_screen(form, find)

    def action_edit(self) -> None:
        if self.table.row is not None:
            self.app.push_screen(self.edit_form(self.table.row))

    def action_test(self) -> None:
        if self.table.row and (screen := self.detail(self.table.row, test=True)) is not None:
            self.app.push_screen(screen)

    def action_delete(self) -> None:
        if self.table.row is not None:
            ask_to_delete(self, *self.deletion(self.table.row))


_OF_ROW = frozenset({"test", "edit", "delete"})


def ask_to_delete(
    page: Page,
    name: str,
    said: str | Sequence[Fact],
    delete: Callable[[], Work],
    then: Callable[[], None] | None = None,
) -> None:
    """Ask, delete, and say so on `page`; `then` runs when it is done."""

    async def doing() -> None:
        await delete()
        if then is not None and page.is_open:
            then()
        page.tell(f"{name} deleted", "good")

    def answered(yes: bool | None) -> None:
        if yes:
            page.start(doing(), f"delete {name}")

    page.app.push_screen(Confirm(f"DELETE {name}", said, "delete"), answered)


def matches(row: Row, text: str) -> bool:
    """Whether a row has every word of a filter; ``!word`` excludes, ``status:ok`` asks for one."""
    shown = " ".join(cell for cell, _ in row.cells).casefold()
    for term in text.casefold().split():
        word = term.removeprefix("!")
        status = word.removeprefix("status:")
        found = row.status.startswith(status) if status != word else word in shown
        if word and found == term.startswith("!"):
            return False
    return True


def _rank(text: str) -> tuple[int, str]:
    """Numbers by value, before words."""
    return (int(text), "") if text.isdecimal() else (1 << 60, text.casefold())
