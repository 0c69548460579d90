"""The table reads what it shows, and holds on to keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from kmtui.widgets.rows import PAGE_SIZE, PAGES_KEPT, Column, ListSource, Pages, Row, layout
from kmtui.widgets.rowtable import RowTable
from tests.terminal import line_with, screen_lines, screen_text, settled

T = TypeVar("T")

COLUMNS = (
    Column("NAME", 12, flex=1, middle=True, sort="name"),
    Column("STATUS", 9),
    Column("IN", 4, align="right", drop=1),
)


def row(number: int, status: str = "valid") -> Row:
    name = f"n{number:06}.example.org"
    cells = ((name, ""), (status, "good"), (f"{number % 90}d", ""))
    return Row(f"k{number}", cells, status=status)


class Numbers:
    """`total` made-up rows; counts what was asked for."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.asked: list[int] = []

    async def count(self) -> int:
        return self.total

    async def page(self, offset: int, limit: int) -> Sequence[Row]:
        self.asked.append(offset)
        return [row(number) for number in range(offset, min(offset + limit, self.total))]

    async def index(self, key: str) -> int | None:
        number = int(key[1:])
        return number if number < self.total else None


class Slow(Numbers):
    """Waits once at a point a test chooses, until it is told to go on."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.pause_when = ""
        self.paused = asyncio.Event()
        self._told = asyncio.Event()

    def go_on(self) -> None:
        self._told.set()

    async def count(self) -> int:
        return await self._answer("counted", await super().count())

    async def index(self, key: str) -> int | None:
        return await self._answer("located", await super().index(key))

    async def page(self, offset: int, limit: int) -> Sequence[Row]:
        return await self._answer("read", await super().page(offset, limit))

    async def _answer(self, point: str, found: T) -> T:
        if point == self.pause_when:
            self.pause_when = ""
            self._told.clear()
            self.paused.set()
            await self._told.wait()
            self.paused.clear()
        return found


class Bench(App[None]):
    def __init__(self, table: RowTable) -> None:
        super().__init__()
        self.table = table
        self.heard: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        self.heard.append(event)

    on_row_table_opened = on_row_table_highlighted
    on_row_table_read_failed = on_row_table_highlighted


@asynccontextmanager
async def shown(table: RowTable, size: tuple[int, int] = (60, 11)) -> AsyncIterator[Pilot[None]]:
    async with Bench(table).run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot


def cursor_name(table: RowTable) -> str:
    assert table.row is not None
    return table.row.key


# --- reading --------------------------------------------------------------------------------------


async def test_a_long_list_is_shown_after_reading_one_page() -> None:
    source = Numbers(100_000)

    async with shown(RowTable(COLUMNS, source)) as pilot:
        assert screen_lines(pilot.app)[1].split() == ["+", "n000000.example.org", "valid", "0d"]

    assert set(source.asked) == {0}


async def test_the_end_of_a_long_list_is_one_key_away() -> None:
    source = Numbers(100_000)
    table = RowTable(COLUMNS, source)

    async with shown(table) as pilot:
        await pilot.press("G")
        await settled(pilot)

        assert cursor_name(table) == "k99999"
        assert table.position == "100000 of 100000"
        assert "n099999.example.org" in screen_lines(pilot.app)[-1]
        await pilot.press("g")
        await settled(pilot)
        assert cursor_name(table) == "k0"


async def test_no_more_pages_are_kept_than_agreed() -> None:
    pages = Pages(Numbers(100_000), 100_000)

    for number in range(40):
        await pages.load(number)

    held = sum(pages.row(number * PAGE_SIZE) is not None for number in range(40))
    assert held == PAGES_KEPT


async def test_rows_not_read_yet_are_drawn_as_waiting() -> None:
    table = RowTable(COLUMNS, Numbers(100_000))

    async with shown(table):
        table._cursor, table._top = 50_000, 50_000

        assert "…" in table.render_line(1).text


async def test_a_source_that_fails_is_told() -> None:
    class Broken(Numbers):
        async def page(self, offset: int, limit: int) -> Sequence[Row]:
            raise OSError("disk on fire")

    table = RowTable(COLUMNS, Broken(5))

    async with shown(table) as pilot:
        assert "disk on fire" in screen_text(pilot.app)
        assert any(isinstance(event, RowTable.ReadFailed) for event in pilot.app.heard)  # type: ignore[attr-defined]
        table.reload(Numbers(5))
        await settled(pilot)
        assert "n000000" in screen_text(pilot.app)


async def test_an_empty_list_says_why() -> None:
    async with shown(RowTable(COLUMNS, Numbers(0), empty="No match for /x.\nesc clears.")) as pilot:
        assert [line.strip() for line in screen_lines(pilot.app)[1:3]] == [
            "No match for /x.",
            "esc clears.",
        ]


# --- cursor and marks -----------------------------------------------------------------------------


async def test_the_cursor_stays_on_its_key_when_rows_come_before_it() -> None:
    source = ListSource(row(number) for number in range(30))
    table = RowTable(COLUMNS, source)

    async with shown(table) as pilot:
        await pilot.press("j", "j")
        source.rows[:0] = [row(number) for number in range(100, 120)]
        table.reload()
        await settled(pilot)

        assert cursor_name(table) == "k2"
        assert table.position == "23 of 50"
        assert "n000002" in screen_text(pilot.app)


async def test_a_key_that_comes_while_rows_are_read_is_not_undone() -> None:
    source = Slow(1000)
    table = RowTable(COLUMNS, source)
    async with shown(table) as pilot:
        await pilot.press("j", "j")
        for until in ("counted", "located", "read"):
            source.pause_when = until
            table.reload()
            await source.paused.wait()
            await pilot.press("j")
            source.go_on()
            await settled(pilot)

        assert table.row == row(5)
        assert line_with(pilot.app, "n000005").startswith(" +")


async def test_the_cursor_takes_the_place_of_a_row_that_went() -> None:
    source = ListSource(row(number) for number in range(5))
    table = RowTable(COLUMNS, source)

    async with shown(table) as pilot:
        await pilot.press("G")
        source.rows.pop()
        table.reload()
        await settled(pilot)

        assert cursor_name(table) == "k3"


async def test_marks_survive_order_and_filter() -> None:
    rows = [row(number) for number in range(30)]
    table = RowTable(COLUMNS, ListSource(rows))

    async with shown(table) as pilot:
        await pilot.press("space", "j", "space")
        assert list(table.marks) == ["k0", "k2"]

        table.reload(ListSource(reversed(rows)))
        await settled(pilot)
        table.reload(ListSource(rows[2:4]))
        await settled(pilot)

        assert table.chosen == ["k0", "k2"]
        assert await table.hidden_marks() == 1
        assert line_with(pilot.app, "n000002").startswith("*+")


async def test_all_rows_and_ranges_can_be_marked() -> None:
    table = RowTable(COLUMNS, Numbers(3000))

    async with shown(table) as pilot:
        await pilot.press("a")
        await settled(pilot)
        assert len(table.marks) == 3000

        assert table.clear_marks()
        await pilot.press("j", "V", "j", "j", "V")
        await settled(pilot)
        assert table.chosen == ["k1", "k2", "k3"]


async def test_enter_opens_the_row_under_the_cursor() -> None:
    async with shown(RowTable(COLUMNS, Numbers(9))) as pilot:
        await pilot.press("j", "enter")
        await settled(pilot)

        opened = pilot.app.heard[-1]  # type: ignore[attr-defined]
        assert isinstance(opened, RowTable.Opened)
        assert opened.row.key == "k1"


async def test_paging_moves_by_what_is_shown() -> None:
    table = RowTable(COLUMNS, Numbers(100))

    async with shown(table) as pilot:
        await pilot.press("pagedown")
        assert table.cursor == 10
        await pilot.press("ctrl+d")
        assert table.cursor == 20
        await pilot.press("ctrl+u", "pageup", "pageup")
        assert table.cursor == 0


# --- painting -------------------------------------------------------------------------------------


async def test_a_changed_row_repaints_its_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    source = ListSource(row(number) for number in range(30))
    table = RowTable(COLUMNS, source)

    async with shown(table) as pilot:
        painted: list[int] = []
        monkeypatch.setattr(table, "_refresh_row", painted.append)
        source.rows[4] = row(4, "expired")
        table.reload()
        await settled(pilot)

        assert painted == [0, 4]  # the cursor row and the changed one


async def test_the_cursor_row_is_as_wide_as_the_list_and_keeps_the_state_tone() -> None:
    table = RowTable(COLUMNS, Numbers(3))

    async with shown(table):
        strip, other = table.render_line(1), table.render_line(2)

        grounds = {segment.style.bgcolor for segment in strip if segment.style}
        assert strip.cell_length == 60
        assert len(grounds) == 1
        assert grounds != {segment.style.bgcolor for segment in other if segment.style}
        tones = [
            {s.text.strip(): s.style.color for s in line if s.style}["valid"]
            for line in (strip, other)
        ]
        assert tones[0] == tones[1]


async def test_the_header_shows_the_order() -> None:
    table = RowTable(COLUMNS, Numbers(3))
    table.sorted_by = ("name", True)

    async with shown(table) as pilot:
        assert "NAMEv" in screen_lines(pilot.app)[0]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (10, 2), (300, 100)])
async def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    async with shown(RowTable(COLUMNS, Numbers(500)), size) as pilot:
        await pilot.press("j", "G", "pageup")
        assert len(screen_lines(pilot.app)) == size[1]


# --- columns --------------------------------------------------------------------------------------


def test_free_room_goes_to_flexible_columns_up_to_their_limit() -> None:
    columns = (Column("A", 4, flex=1, max=10), Column("B", 4, flex=1), Column("C", 3))

    assert layout(columns, 40) == [(0, 10), (1, 25), (2, 3)]


def test_columns_are_dropped_by_priority_then_squeezed() -> None:
    columns = (Column("A", 10), Column("B", 5, drop=1), Column("C", 5, drop=2))

    assert layout(columns, 22) == [(0, 10), (1, 5), (2, 5)]
    assert layout(columns, 21) == [(0, 10), (1, 5)]
    assert layout(columns, 15) == [(0, 10)]
    assert layout(columns, 6) == [(0, 6)]


async def test_a_terminal_that_grew_shows_the_rows_above_at_once() -> None:
    table = RowTable(COLUMNS, Numbers(20))
    async with shown(table) as pilot:
        await pilot.press("end")
        await settled(pilot)
        assert "n000000" not in screen_text(pilot.app)

        await pilot.resize_terminal(60, 30)
        await settled(pilot)

        lines = screen_lines(pilot.app)
        assert "n000000" in lines[1]
        assert "n000019" in lines[20]
