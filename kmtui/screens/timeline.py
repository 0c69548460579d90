"""The weeks ahead: what expires and what renews in each; enter shows those certificates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import screen_bindings
from kmtui.core.problems import counted
from kmtui.core.timeline import Week
from kmtui.screens.listpage import ListPage
from kmtui.screens.messages import Changed
from kmtui.status import Cell, date
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, ListSource, Row

BAR = 24
"""Cells of the longest bar."""


class TimelineScreen(ListPage):
    """Every week of the next half year, so that a wave is seen before it comes."""

    CRUMBS = ("Certificates", "Timeline")
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("WEEK OF", 10),
        Column("EXPIRE", 7, align="right"),
        Column("BY HAND", 7, align="right"),
        Column("RENEW", 7, align="right"),
        Column("PLANNED RENEWALS", BAR, BAR),
        Column("NOTE", 10, flex=1, drop=1),
    )
    EMPTY = (
        "Nothing expires, and no renewal is planned: no certificate is in force.\n\n"
        "esc  goes back; n requests a certificate there"
    )
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("timeline")]
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "open", "copy", "last_error", "back")

    def __init__(self) -> None:
        super().__init__()
        self._weeks: list[Week] = []
        self.chosen: Week | None = None
        """What was chosen with enter, once the screen is left."""

    async def ready(self) -> None:
        weeks = await self.core.timeline.weeks()
        # What is empty before and after says nothing; what is empty between is a fact.
        filled = [at for at, week in enumerate(weeks) if week.expires or week.renews]
        self._weeks = weeks[min(filled[0], 1) : max(filled[-1], 13) + 1] if filled else []
        if self._weeks and self._weeks[0].start is None and filled[0]:
            self._weeks = self._weeks[1:]
        await super().ready()

    async def changed(self, message: Changed) -> None:
        await self.ready()

    def source(self) -> ListSource:
        """Those that match every word of the filter."""
        # What is overdue, or far away, would make all the others look small.
        most = max((week.renews for week in self._weeks if week.start and week.end), default=0)
        words = self.filter_text.casefold().split()
        rows = (_row(week, most) for week in self._weeks)
        return ListSource(
            row
            for row in rows
            if all(word in " ".join(text for text, _ in row.cells).casefold() for word in words)
        )

    async def counts(self) -> Sequence[Cell]:
        if not self._weeks:
            return ()
        cells: list[Cell] = [(counted(sum(week.renews for week in self._weeks), "renewal"), "")]
        if waves := sum(1 for week in self._weeks if week.wave):
            cells.append((f"{waves} {'wave' if waves == 1 else 'waves'}", "warn"))
        if by_hand := sum(week.by_hand for week in self._weeks):
            cells.append((f"{by_hand} by hand", "alert"))
        return cells

    def facts(self, row: Row) -> Sequence[Fact]:
        week: Week = row.data
        facts: list[Fact] = [
            ("", (_called(week), "strong")),
            ("expire", f"{week.expires}, {week.unattended} of them renew before"),
            ("by hand", (str(week.by_hand), "alert" if week.by_hand else "")),
            ("renew", str(week.renews)),
        ]
        if week.wave:
            facts.append(("wave", (week.wave, "warn")))
        return [*facts, ("", ""), ("", ("enter shows what expires, else what renews", "muted"))]

    def line(self, row: Row) -> Sequence[Cell]:
        week: Week = row.data
        if week.wave:
            return [(f"wave: {week.wave}", "warn")]
        said = f"{week.expires} {'expires' if week.expires == 1 else 'expire'}"
        if week.by_hand:
            said = f"{said}, {week.by_hand} of them unless renewed by hand"
        return [(f"{said}; {counted(week.renews, 'renewal')} planned", "muted")]

    def impossible(self, key: str) -> str:
        if key == "open" and self.table.row is None:
            return "open: nothing expires and nothing renews"
        return ""

    def open_row(self, row: Row) -> None:
        week: Week = row.data
        if not (week.expires or week.renews):
            self.say("nothing expires or renews in this week")
            return
        self.chosen = week
        self.dismiss(None)


def _row(week: Week, most: int) -> Row:
    bar = "#" * min(BAR, -(-week.renews * BAR // max(most, 1)))
    cells: tuple[Cell, ...] = (
        (_called(week), "" if week.start and week.end else "muted"),
        (str(week.expires or ""), ""),
        (str(week.by_hand or ""), "alert"),
        (str(week.renews or ""), ""),
        (bar, "warn" if week.wave or week.start is None else "working"),
        (f"wave: {week.wave}" if week.wave else "", "warn"),
    )
    return Row(_called(week), cells, "", week)


def _called(week: Week) -> str:
    if week.start is None:
        return "before"
    return date(week.start) if week.end is not None else "later"
