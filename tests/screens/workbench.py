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
    core: Core, mode: str = "requests", size: tuple[int, int] = NARROW
) -> AsyncIterator[Pilot[None]]:
    """The App in that mode, its first list read."""

    async def load() -> Core:
        return core

    app = KmtuiApp(Options(data=core.data, actor="ops@host1"), load)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.core is not None, "the inventory did not open")
        await press(pilot, KEYS[mode].key)
        yield pilot


async def shows(pilot: Pilot[Any], text: str, *, seconds: float = 10) -> str:
    """Wait until the screen shows a text; the whole screen as it is then."""
    await until(pilot, lambda: text in screen_text(pilot.app), f"{text!r} is not shown", seconds)
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


async def press(pilot: Pilot[Any], *keys: str) -> str:
    """Press keys one after the other; the whole screen once it is settled."""
    for key in keys:
        await pilot.press(_NAMED.get(key, key))
        await settled(pilot)
    return screen_text(pilot.app)


_NAMED = {
    ".": "full_stop",
    ",": "comma",
    "*": "asterisk",
    "-": "minus",
    "_": "underscore",
    "/": "slash",
    " ": "space",
}
