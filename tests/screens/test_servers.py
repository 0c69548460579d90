"""End servers on the screen: the form follows the kind, the list its changes."""

from __future__ import annotations

from pathlib import Path

from kmtui.core.core import Core
from tests.core.conftest import Bench
from tests.screens.workbench import WIDE, opened, press_all, shows


async def test_the_form_follows_the_kind_and_what_it_makes_is_listed(
    core: Core, tmp_path: Path
) -> None:
    async with opened(core, "servers") as pilot:
        # given
        await shows(pilot, "No end servers yet. n adds one")
        await pilot.press("n")
        await shows(pilot, "Web root*")

        # when: another kind is chosen
        await press_all(pilot, "here")
        await pilot.press("tab", "right", "right")

        # then: the name stays, the fields change
        text = await shows(pilot, "Listen addre")
        assert "here" in text

        # when: back, and filled in
        await pilot.press("left", "left")
        await shows(pilot, "Web root*")
        await pilot.press("tab")
        await press_all(pilot, str(tmp_path))
        await pilot.press("ctrl+s")

        # then
        await shows(pilot, "here added")
        await pilot.press("t")
        await shows(pilot, "is a directory")


async def test_the_pane_and_the_sheet_show_what_leads_there(bench: Bench) -> None:
    async with opened(bench.core, "servers", WIDE) as pilot:
        await shows(pilot, "1 names")

        await pilot.press("enter")
        await shows(pilot, "www.kmtui.test")

        await pilot.press("D")
        await shows(pilot, "delete: mappings lead to it (1)")
