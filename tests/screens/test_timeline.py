"""The weeks ahead on the screen."""

from __future__ import annotations

import pytest

from kmtui.core.core import Core
from tests.db.samples import Filled
from tests.screens.test_certificates import issued
from tests.screens.workbench import NARROW, WIDE, opened, press, shows
from tests.terminal import screen_lines


async def test_without_certificates_it_says_what_fills_it(core: Core) -> None:
    async with opened(core, "certificates") as pilot:
        text = await press(pilot, "t")

    assert "Nothing expires, and no renewal is planned" in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_each_week_has_its_counts_and_a_bar_and_opens_its_certificates(
    core: Core, filled: Filled, size: tuple[int, int]
) -> None:
    for number in range(5):
        issued(filled, f"n{number}.example.org", 80.5)
    issued(filled, "over.example.org", -30.5)

    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "6 certificates")
        text = await press(pilot, "t")

        assert "Certificates > Timeline" in text
        assert "before" in text
        bars = [line for line in screen_lines(pilot.app) if "#" * 24 in line]
        assert any(line.split()[1] == "5" for line in bars)
        assert all(len(line) <= size[0] for line in screen_lines(pilot.app))

        await press(pilot, "g", "enter")
        await shows(pilot, "/expires:..")
        assert pilot.app.screen.table.count == 1
