"""Filters that are kept under a name: enter applies one. And the form that keeps one more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, screen_bindings
from kmtui.core.errors import InvalidInput
from kmtui.core.problems import counted
from kmtui.model import SavedFilter
from kmtui.screens.filtering import Present
from kmtui.screens.formpage import FormPage
from kmtui.screens.listpage import ListPage
from kmtui.screens.request_keys import vault_reason
from kmtui.screens.setuplist import ReadSource
from kmtui.status import Cell, date
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.rows import Column, Row

OWN = "its own"
"""The order of a list that nobody chose another one for."""


class FiltersScreen(ListPage):
    """The filters of one list, and how much each shows now."""

    CRUMBS = ("Filters",)
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 16, 40, flex=1, middle=True),
        Column("FILTER", 28, flex=2),
        Column("SORT", 10, drop=1),
        Column("COUNT", 7, align="right"),
    )
    EMPTY = "No filter is kept for this list.\n\nn   keeps one under a name"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("filters")]
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "open", "new", "delete", "copy", "back")

    def __init__(self, present: Present) -> None:
        super().__init__()
        self._present = present
        self.chosen: SavedFilter | None = None
        """What was chosen with enter, once the screen is left."""
        self.title_line.show_crumbs(KEYS[present.of].word, "Filters")

    def source(self) -> ReadSource:
        """Those that match every word of the filter."""
        return ReadSource(self._rows)

    async def _rows(self) -> list[Row]:
        words = self.filter_text.casefold().split()
        return [
            await self._row(kept)
            for kept in await self.core.filters.all(self._present.of)
            if all(word in f"{kept.name} {kept.text}".casefold() for word in words)
        ]

    async def _row(self, kept: SavedFilter) -> Row:
        try:
            count: Cell = (str(await self.core.filters.count(kept.list, kept.text)), "")
        except InvalidInput:  # kept by another version of kmtui
            count = ("refused", "bad")
        order = self._present.order_words(kept.sort, kept.descending)
        cells: tuple[Cell, ...] = (
            (kept.name, ""),
            (kept.text, ""),
            (order or OWN, "muted"),
            count,
        )
        return Row(kept.name, cells, "", kept)

    async def counts(self) -> Sequence[Cell]:
        kept = len(await self.core.filters.all(self._present.of))
        return [(counted(kept, "filter"), "")] if kept else ()

    def facts(self, row: Row) -> Sequence[Fact]:
        kept: SavedFilter = row.data
        return [
            ("", (kept.name, "strong")),
            ("filter", kept.text),
            ("sort", row.cells[2][0]),
            ("shows", row.cells[-1]),
            ("since", date(kept.created_at)),
        ]

    def impossible(self, key: str) -> str:
        if key in ("open", "delete") and self.table.row is None:
            return f"{key}: no filter is kept here"
        return vault_reason(self.core, key) if key in KEYS else ""

    def open_row(self, row: Row) -> None:
        self.chosen = row.data
        self.dismiss(None)

    def action_new(self) -> None:
        self.app.push_screen(KeepFilterForm(self._present))

    def action_delete(self) -> None:
        row = self.table.row
        if row is not None:
            name = row.data.name
            self.ask(f"Forget the filter {name}?", lambda: self.start(self._delete(name), "delete"))

    async def _delete(self, name: str) -> None:
        await self.core.filters.delete(self._present.of, name)
        self.say(f"{name} is forgotten", "good")


class KeepFilterForm(FormPage):
    """A name for a filter."""

    WHAT = "keep the filter"

    def __init__(self, present: Present) -> None:
        super().__init__()
        self._present = present
        self.title_line.show_crumbs(KEYS[present.of].word, "Filters", "Keep")

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name="name",
                label="Name",
                required=True,
                help="One that has this name already is replaced.",
            ),
            FieldSpec(
                name="filter",
                label="Filter",
                placeholder="status:due !test",
                help="Words and word:value, as after /.",
            ),
        ]

    async def ready(self) -> None:
        present = self._present
        self.form.set_values({"filter": present.text})
        order = present.order_words(present.sort, present.descending)
        self.about.show([("List", KEYS[present.of].word), ("Sort", order or OWN)])

    async def send(self) -> str:
        kept = await self.core.filters.add(
            self._present.of,
            self.form.text("name"),
            self.form.text("filter"),
            sort=self._present.sort,
            descending=self._present.descending,
        )
        return f"{kept.name} is kept: F shows it"
