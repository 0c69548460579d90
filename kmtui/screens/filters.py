"""Filters that are kept under a name: enter applies one. And the form that keeps one more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import screen_bindings
from kmtui.core.problems import counted
from kmtui.model import SavedFilter
from kmtui.screens.formpage import FormPage
from kmtui.screens.listpage import ListPage
from kmtui.screens.messages import Changed
from kmtui.status import Cell, date
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.rows import Column, ListSource, Row


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

    def __init__(self, of: str, text: str, sort: str, descending: bool) -> None:
        super().__init__()
        self._of = of
        self._present = (text, sort, descending)
        self._kept: list[tuple[SavedFilter, int]] = []
        self.chosen: SavedFilter | None = None
        """What was chosen with enter, once the screen is left."""
        self.title_line.show_crumbs(of.capitalize(), "Filters")

    async def ready(self) -> None:
        filters = self.core.filters
        kept = await filters.all(self._of)
        self._kept = [(each, await filters.count(self._of, each.text)) for each in kept]
        await super().ready()
        self.refresh_bindings()

    async def changed(self, message: Changed) -> None:
        await self.ready()

    def source(self) -> ListSource:
        """Those that match every word of the filter."""
        words = self.filter_text.casefold().split()
        return ListSource(
            _row(kept, count)
            for kept, count in self._kept
            if all(word in f"{kept.name} {kept.text}".casefold() for word in words)
        )

    async def counts(self) -> Sequence[Cell]:
        return [(counted(len(self._kept), "filter"), "")] if self._kept else ()

    def facts(self, row: Row) -> Sequence[Fact]:
        kept: SavedFilter = row.data
        return [
            ("", (kept.name, "strong")),
            ("filter", kept.text),
            ("sort", _order(kept)),
            ("shows", row.cells[-1][0]),
            ("since", date(kept.created_at)),
        ]

    def impossible(self, key: str) -> str:
        if key in ("open", "delete") and self.table.row is None:
            return f"{key}: no filter is kept here"
        return ""

    def open_row(self, row: Row) -> None:
        self.chosen = row.data
        self.dismiss(None)

    def action_new(self) -> None:
        self.app.push_screen(KeepFilterForm(self._of, *self._present))

    def action_delete(self) -> None:
        row = self.table.row
        if row is not None:
            name = row.data.name
            said = f"Forget the filter {name}? What it shows stays as it is."
            self.ask(said, lambda: self.start(self._delete(name), "delete"))

    async def _delete(self, name: str) -> None:
        await self.core.filters.delete(self._of, name)
        self.say(f"{name} is forgotten", "good")


class KeepFilterForm(FormPage):
    """A name for a filter."""

    WHAT = "keep the filter"

    def __init__(self, of: str, text: str, sort: str, descending: bool) -> None:
        super().__init__()
        self._of, self._text, self._sort, self._descending = of, text, sort, descending
        self.title_line.show_crumbs(of.capitalize(), "Filters", "Keep")

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
        self.form.set_values({"filter": self._text})
        now = datetime.now(UTC)
        kept = SavedFilter(
            list=self._of,
            name="",
            text="",
            sort=self._sort,
            descending=self._descending,
            created_at=now,
        )
        self.about.show([("List", self._of), ("Sort", _order(kept))])

    async def send(self) -> str:
        kept = await self.core.filters.add(
            self._of,
            self.form.text("name"),
            self.form.text("filter"),
            sort=self._sort,
            descending=self._descending,
        )
        return f"{kept.name} is kept: F shows it"


def _row(kept: SavedFilter, count: int) -> Row:
    cells: tuple[Cell, ...] = (
        (kept.name, ""),
        (kept.text, ""),
        (_order(kept), "muted"),
        (str(count), ""),
    )
    return Row(kept.name, cells, "", kept)


def _order(kept: SavedFilter) -> str:
    return f"{kept.sort} {'v' if kept.descending else '^'}" if kept.sort else "its own"
