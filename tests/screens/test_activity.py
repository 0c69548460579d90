"""The audit trail: newest first, filtered, and a way to the thing acted on."""

from __future__ import annotations

import pytest

from kmtui.core.core import Core
from tests.core.conftest import Bench
from tests.db.samples import Filled
from tests.screens.workbench import NARROW, WIDE, opened, press, shows
from tests.terminal import line_with, screen_lines


async def test_an_empty_trail_says_what_fills_it(core: Core) -> None:
    async with opened(core, "activity") as pilot:
        await shows(pilot, "Nothing was done yet.")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_newest_line_comes_first_and_O_turns_it_around(
    bench: Bench, size: tuple[int, int]
) -> None:
    async with opened(bench.core, "activity", size) as pilot:
        await shows(pilot, "7 actions   kept for ever")
        assert "mapping add" in screen_lines(pilot.app)[3]
        assert line_with(pilot.app, "dns add").lstrip().startswith("+ 20")

        await press(pilot, "O")
        assert "ca add" in screen_lines(pilot.app)[3]


async def test_the_filter_takes_words_and_qualifiers(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await press(pilot, "slash", *"what:mapping", "enter")
        text = await shows(pilot, "/what:mapping")

        assert "mapping add" in text
        assert "dns add" not in text


async def test_a_new_action_appears_by_itself(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await shows(pilot, "7 actions")
        await bench.core.mappings.add("*.kmtui.test", dns="lab")
        await shows(pilot, "8 actions")

        assert "*.kmtui.test" in screen_lines(pilot.app)[3]


async def test_enter_opens_the_certificate_acted_on(core: Core, filled: Filled) -> None:
    certificate = filled.certificate("shop.example.org")
    filled.version(certificate)
    await core.certificates.save(certificate.id)

    async with opened(core, "activity") as pilot:
        await shows(pilot, "ok version 1")
        await press(pilot, "enter")
        await shows(pilot, "Certificates > shop.example.org")


async def test_enter_says_when_there_is_nothing_to_open(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await press(pilot, "slash", *"what:ca", "enter")
        await shows(pilot, "/what:ca")
        await press(pilot, "enter")
        await shows(pilot, "sandbox: there is nothing more to show")


async def test_enter_goes_to_the_list_that_holds_the_thing(bench: Bench) -> None:
    async with opened(bench.core, "activity") as pilot:
        await press(pilot, "slash", *"what:dns", "enter")
        await shows(pilot, "/what:dns")
        await press(pilot, "enter")
        await shows(pilot, "RFC 2136")

        assert pilot.app.current_mode == "dns"
