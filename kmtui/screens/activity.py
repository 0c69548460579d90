"""Mode 6: the audit trail, newest first. Enter opens the thing acted on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.screen import Screen

from kmtui.model import Activity, ListQuery
from kmtui.screens.listpage import ListPage
from kmtui.screens.queried import Queried
from kmtui.status import Cell, status_cell, when
from kmtui.widgets.filterbar import FilterBar
from kmtui.widgets.rows import Column, Row

MODE_OF = {
    "account": "accounts",
    "ca": "accounts",
    "dns": "dns",
    "server": "servers",
    "mapping": "servers",
}
"""Where things without a screen of their own stack are listed, by the trail's object type."""


class ActivityScreen(ListPage):
    """Every action by anyone, kept for ever."""

    MODE = "activity"
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("TIME", 16, sort="at"),
        Column("WHO", 10, 20, flex=1, drop=2, middle=True),
        Column("WHAT", 16, drop=1),
        Column("ON", 16, 44, flex=2, middle=True),
        Column("OUTCOME", 15, flex=2),
    )
    EMPTY = "Nothing was done yet. Every action by anyone is written down here."
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "sort_reverse", "copy", "last_error", "leave"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.filter_bar = FilterBar(help="words, !word, who:, what:, on:, outcome:failed")
        self.sort, self.descending = "at", True

    def on_mount(self) -> None:
        self._query_changed()

    def source(self) -> Queried[Activity]:
        return Queried(
            self.core.activity,
            activity_row,
            text=self.filter_text,
            sort=self.sort,
            descending=self.descending,
        )

    async def counts(self) -> Sequence[Cell]:
        count = await self.core.activity.count(ListQuery(now=datetime.now(UTC)))
        return [("1 action" if count == 1 else f"{count} actions", ""), ("kept for ever", "muted")]

    def line(self, row: Row) -> Sequence[Cell]:
        action: Activity = row.data
        return [(f"{action.actor} · {action.object_name} · ", "muted"), outcome_cell(action)]

    def copied(self) -> str:
        """The line in full."""
        row = self.table.row
        return "  ".join(text for text, _ in row.cells) if row else ""

    def action_sort(self) -> None:
        """There is one order; it can only be turned around."""
        self.action_sort_reverse()

    def open_row(self, row: Row) -> None:
        action: Activity = row.data
        if action.object_id is None:
            self.say(f"{action.object_name}: there is nothing more to show", "warn")
        elif (mode := MODE_OF.get(action.object_type)) is not None:
            self.call_later(self._show_in, mode, action.object_id)
        elif (screen := _screen_of(action.object_type, action.object_id)) is not None:
            self.app.push_screen(screen)

    async def _show_in(self, mode: str, object_id: str) -> None:
        """Go to the root screen that lists the thing and put its cursor there."""
        await self.app.switch_mode(mode)
        page = self.app.screen
        if isinstance(page, ListPage):
            page.table.select(object_id)


def activity_row(action: Activity, now: datetime) -> Row:
    """One line of the trail."""
    cells: tuple[Cell, ...] = (
        (when(action.at), "muted"),
        (action.actor, ""),
        (action.action, ""),
        (action.object_name, ""),
        outcome_cell(action),
    )
    return Row(str(action.id), cells, action.outcome, action)


def outcome_cell(action: Activity) -> Cell:
    """How it ended, and the detail that was written down."""
    word, tone = status_cell(action.outcome)
    return f"{word} {action.detail}".rstrip(), tone


def _screen_of(object_type: str, object_id: str) -> Screen[None] | None:
    """The screen of one thing, imported when it is first shown."""
    if object_type == "certificate":
        from kmtui.screens.certificate import CertificateScreen

        return CertificateScreen(object_id)
    if object_type == "request":
        from kmtui.screens.request import RequestScreen

        return RequestScreen(object_id)
    return None
