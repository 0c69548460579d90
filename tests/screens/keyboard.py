"""An operator at the keyboard: the App in one of its modes, typing, and waiting for what shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from kmtui.app import KmtuiApp
from kmtui.bindings import KEYS
from kmtui.config import Options
from kmtui.core.core import Core
from tests.terminal import screen_text, settled

NARROW, WIDE = (80, 24), (120, 40)


@asynccontextmanager
async def opened(
    core: Core, mode: str, size: tuple[int, int] = NARROW
) -> AsyncIterator[Pilot[None]]:
    """The App in that mode, its first list read."""

    async def load() -> Core:
        return core

    app = KmtuiApp(Options(data=core.data, actor="ops@host1"), load)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        await pilot.press(KEYS[mode].key)
        await settled(pilot)
        yield pilot


async def shows(pilot: Pilot[Any], text: str) -> str:
    """Wait until the screen shows a text; the whole screen as it is then."""
    await until(pilot, lambda: text in screen_text(pilot.app), f"{text!r} is not shown")
    return screen_text(pilot.app)


async def until(
    pilot: Pilot[Any], true: Callable[[], bool], otherwise: str, seconds: float = 10
) -> None:
    """Wait until something is true; fails with the screen as it is when it never is."""
    try:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.02)
                await pilot.pause()
    except TimeoutError:
        raise AssertionError(f"{otherwise}:\n{screen_text(pilot.app)}") from None


async def press_all(pilot: Pilot[Any], text: str) -> None:
    """Type a text, character by character."""
    await pilot.press(*(_NAMED.get(character, character) for character in text))


_NAMED = {
    ".": "full_stop",
    "*": "asterisk",
    "-": "minus",
    "_": "underscore",
    "/": "slash",
    " ": "space",
}
