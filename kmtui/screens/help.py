"""The keys: this screen's first, then the lists' and those of everywhere. Enter runs one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from kmtui.bindings import EVERYWHERE, KEYS, LIST, LISTED, PAGE, Key, keys_in_words
from kmtui.screens.listpage import ListPage
from kmtui.status import Cell
from kmtui.widgets.rows import Column, ListSource, Row, RowSource

Reasons = dict[str, str]
"""Why a key does nothing now, by id; empty for one that works."""


class HelpScreen(ListPage):
    """A filterable list of keys; a grey one says why it does nothing now."""

    CRUMBS = ("Help",)
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("KEY", 12),
        Column("WORD", 13),
        Column("WHAT IT DOES", 20, flex=1),
        Column("WHERE", 11, drop=1),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = ("open", "filter", "back")

    def __init__(self, own: Sequence[str], reasons: Reasons) -> None:
        """`own`: ids of the keys of the screen that asked; `reasons` against some of them."""
        super().__init__()
        self._own = tuple(name for name in own if name not in (*LIST, *LISTED, *PAGE, *EVERYWHERE))
        self._reasons = reasons
        self.chosen: str | None = None
        """The key to run once this screen is gone."""

    def on_mount(self) -> None:
        self._query_changed()
        self.table.reload(self.source())

    async def ready(self) -> None:
        """Nothing of the inventory is shown here."""

    def source(self) -> RowSource:
        """All keys that match every word of the filter."""
        groups = [("this screen", self._own), ("lists", LIST + LISTED), ("everywhere", PAGE)]
        groups.append(("everywhere", EVERYWHERE))
        rows = [self._row(KEYS[name], where) for where, names in groups for name in names]
        words = self.filter_text.lower().split()
        return ListSource(
            row
            for row in rows
            if all(word in " ".join(text for text, _ in row.cells).lower() for word in words)
        )

    def _row(self, key: Key, where: str) -> Row:
        reason = self._reasons.get(key.id, "")
        said: Cell = (f"({reason})", "off") if reason else (key.tooltip, "")
        cells: tuple[Cell, ...] = (
            (keys_in_words(key), "off" if reason else "key"),
            (key.word, "off" if reason else "bad" if key.danger else ""),
            said,
            (where, "muted"),
        )
        return Row(key.id, cells)

    def open_row(self, row: Row) -> None:
        self.chosen = row.key
        self.dismiss(None)

    def _query_changed(self) -> None:
        super()._query_changed()
        self.table.reload(self.source(), top=True)
