"""The filter of a list: its words are told, what says nothing is refused, some are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.db import saved_filters
from tests.db.samples import Filled
from tests.screens.test_certificates import issued
from tests.screens.workbench import NARROW, WIDE, opened, press, press_all, shows
from tests.terminal import line_with, screen_lines, screen_text, settled


async def typed(pilot: Pilot[None], text: str) -> str:
    """What the screen shows once a filter is typed and the list was read with it."""
    await press(pilot, "/")
    await press_all(pilot, text)
    await pilot.pause(0.3)
    await settled(pilot)
    return screen_text(pilot.app)


@pytest.fixture
def stocked(filled: Filled) -> Filled:
    for name, days in (("over", -2.5), ("soon", 3.5), ("due", 20.5), ("far", 80.5)):
        issued(filled, f"{name}.example.org", days)
    return filled


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_words_are_told_while_a_filter_is_typed(
    core: Core, stocked: Filled, size: tuple[int, int]
) -> None:
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "4 certificates")

        text = await press(pilot, "/")
        assert "status:" in text
        assert "expires:" in text
        assert all(len(line) <= size[0] for line in screen_lines(pilot.app))

        await press(pilot, "escape")
        text = await typed(pilot, "expires:")
        assert "When it expires" in text
        assert "<30d" in text


async def test_a_filter_that_says_nothing_is_explained_and_changes_nothing(
    core: Core, stocked: Filled
) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "4 certificates")
        await typed(pilot, "expires:<30d")
        await press(pilot, "enter")
        assert pilot.app.screen.table.count == 3

        text = await typed(pilot, " colour:red")
        assert "colour: is no filter word here" in text
        assert pilot.app.screen.table.count == 3

        text = await press(pilot, "enter")
        assert screen_lines(pilot.app)[1].startswith("colour: is no filter word here")
        assert "far.example.org" not in text

        await press(pilot, "escape")
        assert pilot.app.screen.table.count == 4


async def test_every_column_is_an_order_and_some_more(core: Core, stocked: Filled) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "4 certificates")
        seen = []
        for _ in range(9):
            await press(pilot, "o")
            seen.append(pilot.app.screen.sort)

        assert seen == [
            *("renewal", "versions", "issuer", "account", "created", "attempt"),
            *("name", "status", "expires"),
        ]


async def test_a_filter_is_kept_under_a_name_and_applied_later(core: Core, stocked: Filled) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "4 certificates")

        # when: kept from the line it is typed in
        await typed(pilot, "expires:<30d")
        await press(pilot, "ctrl+s")
        await shows(pilot, "Certificates > Filters > Keep")
        await press_all(pilot, "in a month")
        await press(pilot, "ctrl+s")
        await shows(pilot, "in a month is kept")

        # then
        await press(pilot, "escape", "escape")
        assert pilot.app.screen.table.count == 4
        text = await press(pilot, "F")
        assert "in a month" in text
        assert "expires:<30d" in text
        assert "3" in next(line for line in screen_lines(pilot.app) if "in a month" in line)
        await press(pilot, "enter")
        await shows(pilot, "/expires:<30d")
        assert pilot.app.screen.table.count == 3


async def test_a_kept_filter_is_forgotten_after_a_question(core: Core) -> None:
    await core.filters.add("requests", "lost", "status:failed")
    async with opened(core, "requests") as pilot:
        await press(pilot, "F")
        await shows(pilot, "status:failed")
        assert "Forget the filter lost?" in await press(pilot, "D")
        await press(pilot, "n")
        assert len(await core.filters.all("requests")) == 1
        await press(pilot, "D", "y")
        await shows(pilot, "No filter is kept for this list.")

    assert await core.filters.all("requests") == []


@pytest.mark.parametrize("mode", ["requests", "accounts", "dns", "servers", "activity"])
async def test_every_list_tells_its_words_and_its_kept_filters(core: Core, mode: str) -> None:
    async with opened(core, mode) as pilot:
        text = await typed(pilot, "colour:red")
        assert "colour: is no filter word here" in text

        await press(pilot, "escape")
        assert "No filter is kept for this list." in await press(pilot, "F")


async def test_an_order_is_told_by_the_title_of_its_column(core: Core) -> None:
    await core.filters.add("activity", "lately", "", sort="at", descending=True)
    async with opened(core, "activity") as pilot:
        assert "sort time v" in screen_lines(pilot.app)[1]
        text = await press(pilot, "F")
        await shows(pilot, "lately")
        assert "time v" in text


async def test_the_trail_of_the_filters_names_the_list_as_the_title_does(core: Core) -> None:
    async with opened(core, "dns") as pilot:
        assert "DNS > Filters" in await press(pilot, "F")
        assert "DNS > Filters > Keep" in await press(pilot, "n")


async def test_a_kept_filter_that_says_nothing_any_more_is_shown_and_can_be_forgotten(
    core: Core,
) -> None:
    kept = await core.filters.add("requests", "old words", "status:failed")
    stale = replace(kept, text="colour:red")
    await core.context.db.write(lambda session: saved_filters.put(session, stale))
    async with opened(core, "requests") as pilot:
        await press(pilot, "F")
        await shows(pilot, "old words")
        assert "refused" in line_with(pilot.app, "old words")
        await press(pilot, "D", "y")
        await shows(pilot, "No filter is kept for this list.")
