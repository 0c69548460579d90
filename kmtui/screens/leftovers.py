"""What requests published and could not remove: where, since when, why, and when it is tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import screen_bindings
from kmtui.core.problems import counted
from kmtui.model import CleanupEntry
from kmtui.screens.listpage import ListPage
from kmtui.screens.messages import Changed
from kmtui.screens.renewal_words import moment
from kmtui.screens.request_keys import vault_reason
from kmtui.status import Cell, ago, date, when
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, ListSource, Row


class LeftoversScreen(ListPage):
    """TXT records and challenge files; only exactly what kmtui published is ever removed."""

    CRUMBS = ("Leftovers",)
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("WHAT", 7, drop=2),
        Column("WHERE", 34, 60, flex=2, middle=True),
        Column("SINCE", 10, drop=1),
        Column("TRIED", 5, align="right"),
        Column("NEXT", 5),
        Column("WHY", 14, flex=2),
    )
    EMPTY = "Nothing is left behind: whatever was published for challenges was removed."
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("leftovers")]
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "clean_up", "open", "filter", "copy", "back")

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[CleanupEntry] = []

    async def ready(self) -> None:
        self._entries = await self.core.recovery.left_behind()
        await super().ready()

    async def changed(self, message: Changed) -> None:
        await self.ready()

    def source(self) -> ListSource:
        """Those that match every word of the filter."""
        now = datetime.now(UTC)
        words = self.filter_text.lower().split()
        rows = (_row(entry, now) for entry in self._entries)
        return ListSource(
            row
            for row in rows
            if all(word in " ".join(text for text, _ in row.cells).lower() for word in words)
        )

    async def counts(self) -> Sequence[Cell]:
        if not self._entries:
            return ()
        return [(counted(len(self._entries), "leftover"), "warn"), (_BY_ITSELF, "muted")]

    def facts(self, row: Row) -> Sequence[Fact]:
        entry: CleanupEntry = row.data
        now = datetime.now(UTC)
        return [
            ("", (entry.name, "strong")),
            ("what", _WHAT.get(entry.kind, entry.kind)),
            ("value", entry.value),
            ("since", f"{when(entry.created_at)}  {ago(entry.created_at, now)}"),
            ("tried", counted(entry.attempts, "time")),
            ("next", _next(entry, now)),
            *([("why", (entry.last_error, "bad"))] if entry.last_error else []),
            ("", ("enter shows the request, r tries again now", "muted")),
        ]

    def line(self, row: Row) -> Sequence[Cell]:
        entry: CleanupEntry = row.data
        return [(f"{entry.name} · ", "muted"), (entry.last_error or "not tried yet", "bad")]

    def impossible(self, key: str) -> str:
        if key == "clean_up":
            if not self._entries:
                return "try again: nothing is left behind"
            return vault_reason(self.core, key)
        if key == "open" and self.table.row is None:
            return "open: nothing is left behind"
        return ""

    def open_row(self, row: Row) -> None:
        from kmtui.screens.request import RequestScreen

        self.app.push_screen(RequestScreen(row.data.request_id))

    def action_clean_up(self) -> None:
        self.say("removing what was left…", "working")
        self.start(self._clean_up(), "clean-up")

    async def _clean_up(self) -> None:
        done = await self.core.recovery.clean_up()
        if not self.is_attached:
            return
        await self.ready()
        left = len(self._entries)
        removed = f"{counted(done.cleaned, 'leftover')} removed"
        if left:
            self.say(f"{removed}, {left} could not be: the list says why", "bad")
        else:
            self.say(f"{removed}, nothing is left behind", "good")
        self.refresh_bindings()


_BY_ITSELF = "tried again by itself, or with kmtui cleanup"
_WHAT = {"dns-01": "TXT record of a dns-01 challenge", "http-01": "file of a http-01 challenge"}


def _row(entry: CleanupEntry, now: datetime) -> Row:
    cells: tuple[Cell, ...] = (
        (entry.kind, ""),
        (entry.name, ""),
        (date(entry.created_at), "muted"),
        (str(entry.attempts), ""),
        (_next(entry, now), ""),
        (entry.last_error or "not tried yet", "bad" if entry.last_error else "muted"),
    )
    return Row(entry.id, cells, "failed" if entry.last_error else "queued", entry)


def _next(entry: CleanupEntry, now: datetime) -> str:
    if entry.next_attempt_at is None or entry.next_attempt_at <= now:
        return "now"
    return moment(entry.next_attempt_at, now)
