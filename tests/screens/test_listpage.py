"""What every list screen answers: filter, order, marks, grey keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from textual import events
from textual.pilot import Pilot

from kmtui.core.errors import Refused
from kmtui.status import Cell
from kmtui.widgets.rows import Column
from tests.paper import ListScreen, PaperCore, opened
from tests.terminal import screen_lines, screen_text, settled

# --- keys -----------------------------------------------------------------------------------------


async def test_the_filter_opens_narrows_and_clears() -> None:
    async with opened() as (app, pilot, screen):
        await pilot.press("slash", *"n21", "enter")
        await settled(pilot)
        assert screen_lines(app)[1].startswith("/n21")
        assert screen.table.count == 5

        await pilot.press("slash", *"zzz", "enter")
        await settled(pilot)
        assert "No match for /n21zzz. esc clears" in screen_text(app)

        await pilot.press("escape")
        await settled(pilot)
        assert screen.table.count == 214


async def test_what_is_typed_ahead_goes_to_the_filter_and_not_to_the_keys() -> None:
    async with opened() as (app, pilot, screen):
        # when: all of it comes at once, as over a slow line; a alone would mark every row
        for key, character in [("slash", "/"), *((each, each) for each in "an21"), ("enter", "\r")]:
            app.post_message(events.Key(key, character))
        await settled(pilot)

        # then
        assert screen_lines(app)[1].startswith("/an21")
        assert not screen.table.marks


async def test_escape_leaves_one_thing_at_a_time_and_never_the_program() -> None:
    async with opened() as (app, pilot, screen):
        await pilot.press("slash", "n", "enter", "space")
        await settled(pilot)
        await pilot.press("escape")
        assert (screen.filter_text, len(screen.table.marks)) == ("", 1) or await _later(pilot)
        assert len(screen.table.marks) == 1
        await pilot.press("escape")
        assert screen.table.marks == {}
        await pilot.press("escape")
        assert app.is_running


async def _later(pilot: Pilot[None]) -> bool:
    await settled(pilot)
    return True


async def test_order_is_chosen_and_turned_around() -> None:
    async with opened() as (app, pilot, screen):
        await pilot.press("o", "O")
        await settled(pilot)

        assert "sort name v" in screen_lines(app)[1]
        assert "NAMEv" in screen_lines(app)[2]
        assert (screen.sort, screen.descending) == ("name", True)


async def test_actions_work_on_marks_else_on_the_row() -> None:
    async with opened() as (_, pilot, screen):
        await pilot.press("r", "space", "j", "space", "r")

        assert screen.renewed == ["k0", "k0", "k10"]


async def test_the_cursor_comes_in_one_frame_with_what_is_told_about_its_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(size=(120, 40)) as (app, pilot, _):
        frames: list[str] = []
        paint = app._display  # Private, and pinned with Textual.

        def noted(screen: Any, update: Any) -> None:
            paint(screen, update)
            frames.append(screen_text(app))

        monkeypatch.setattr(app, "_display", noted)
        await pilot.press("j")
        await settled(pilot)

        assert len(frames) == 1
        assert "2 of 214" in frames[0]
        assert "name     n1.example.org" in frames[0]


async def test_a_grey_key_says_why() -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("X")
        assert screen_lines(app)[1].startswith("revoke: already revoked")
        await pilot.press("j")
        assert screen_lines(app)[1].startswith("214 names")


async def test_read_only_mode_greys_what_changes() -> None:
    async with opened(PaperCore("RO")) as (app, pilot, screen):
        await pilot.press("r")

        assert screen.renewed == []
        assert "read-only" in screen_lines(app)[1]
        assert screen_lines(app)[0].endswith("RO")


async def test_a_key_is_copied_to_the_clipboard() -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("y")

        assert app.clipboard == "n0.example.org"


async def test_quitting_with_jobs_asks_once() -> None:
    core = PaperCore()
    async with opened(core) as (app, pilot, _):
        core.jobs.running = ("other:1", "other:2")
        await pilot.press("q")
        assert "2 jobs are under way" in screen_text(app)
        assert app.is_running

        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


# --- what goes wrong, and what a list does not have ----------------------------------------------


class OneOrder(ListScreen):
    MODE = ""
    CRUMBS = ("One order",)
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("NAME", 12), Column("STATUS", 9))


class Uncounted(ListScreen):
    MODE = ""
    CRUMBS = ("Uncounted",)

    async def counts(self) -> Sequence[Cell]:
        raise Refused("the disk does not answer")


@pytest.mark.parametrize("key", ["o", "O"])
async def test_a_list_with_one_order_says_so(key: str) -> None:
    async with opened() as (app, pilot, _):
        app.push_screen(OneOrder())
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)

        assert "this list has an order of its own" in screen_lines(app)[1]


async def test_what_cannot_be_counted_is_said_and_ends_nothing() -> None:
    async with opened() as (app, pilot, _):
        app.push_screen(Uncounted())
        await settled(pilot)

        assert "the disk does not answer" in screen_lines(app)[1]
        assert app.is_running


async def test_an_order_that_only_commands_know_is_left_out() -> None:
    async with opened() as (app, pilot, screen):
        screen.look_for("n21", "nonsense", True)
        await settled(pilot)
        assert screen.table.count == 5

        await pilot.press("o")
        await settled(pilot)
        assert "sort name ^" in screen_lines(app)[1]
