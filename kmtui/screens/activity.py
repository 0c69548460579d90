"""Mode 6: the audit trail, newest first. Enter opens the thing acted on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.core.errors import KmtuiError, NotFound
from kmtui.model import Activity, ListQuery
from kmtui.screens.acted_on import screen_of
from kmtui.screens.last_run_words import last_run_cell
from kmtui.screens.listpage import ListPage
from kmtui.screens.queried import Queried
from kmtui.status import Cell, status_cell, when
from kmtui.widgets.filterbar import FilterBar
from kmtui.widgets.rows import Column, Row


class ActivityScreen(ListPage):
    """Every action by anyone, kept for ever."""

    MODE = "activity"
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("TIME", 16, sort="at"),
        Column("WHO", 10, 20, flex=1, drop=2, middle=True, sort="who"),
        Column("FROM", 18, 28, flex=1, drop=3, sort="from"),
        Column("WHAT", 16, drop=1, sort="what"),
        Column("ON", 16, 44, flex=2, middle=True, sort="on"),
        Column("OUTCOME", 15, flex=2, sort="outcome"),
    )
    EMPTY = "Nothing was done yet. Every action by anyone is written down here."
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "verify", "sort_reverse", "copy", "last_error", "leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("verify", "filters", "keep_filter", show=False)
    ]
    DEFAULT_CSS = """
    ActivityScreen.-wide #row-line { display: block; }
    """

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
        now = datetime.now(UTC)
        count = await self.core.activity.count(ListQuery(now=now))
        alerts = self.core.alerts
        absent = bool(await alerts.unattended())
        run = last_run_cell(await alerts.last_run(), absent=absent, now=now)
        return [("1 action" if count == 1 else f"{count} actions", ""), run]

    def line(self, row: Row) -> Sequence[Cell]:
        action: Activity = row.data
        origin = f" ({action.origin})" if action.origin else ""
        return [
            (f"{action.actor}{origin} · {action.object_name or 'inventory'} · ", "muted"),
            outcome_cell(action),
        ]

    def copied(self) -> str:
        """The line in full."""
        row = self.table.row
        return "  ".join(text for text, _ in row.cells) if row else ""

    def action_sort(self) -> None:
        """The list's own order is a column's here: there is no step between; newest first."""
        super().action_sort()
        if not self.sort:
            super().action_sort()
        if self.sort == "at":
            self.action_sort_reverse()

    def open_row(self, row: Row) -> None:
        self.start(self._open(row.data), "open")

    async def _open(self, action: Activity) -> None:
        name = action.object_name or action.action
        try:
            screen = await screen_of(self.core, action)
        except NotFound:
            self.say(f"{name} is not there any more; what was done to it stays here", "warn")
            return
        if screen is None:
            self.say(f"{name}: there is nothing more to show", "warn")
        else:
            self.lead_to(screen)

    def action_verify(self) -> None:
        self.say("reading the whole trail…", "working")
        self.start(self._verify(), "verify the trail")

    async def _verify(self) -> None:
        found = await self.core.activity.prove()
        said = "; ".join(found.sentences)
        if not found.intact:
            raise KmtuiError(said, hint="somebody went around kmtui: compare it with a backup")
        self.say(said, "good")


def activity_row(action: Activity, now: datetime) -> Row:
    """One line of the trail."""
    cells: tuple[Cell, ...] = (
        (when(action.at), "muted"),
        (action.actor, ""),
        (action.origin, "muted"),
        (action.action, ""),
        (action.object_name, ""),
        outcome_cell(action),
    )
    return Row(str(action.id), cells, action.outcome, action)


def outcome_cell(action: Activity) -> Cell:
    """How it ended, and the detail that was written down."""
    word, tone = status_cell(action.outcome)
    return f"{word} {action.detail}".rstrip(), tone
