"""A program that shows one widget alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from kmtui.widgets.filterbar import FilterBar
from tests.terminal import settled

W = TypeVar("W", bound=Widget)


class Bench(App[None]):
    def __init__(self, make: Callable[[], Widget]) -> None:
        super().__init__()
        self.make = make
        self.pwned = False
        self.heard: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.make()

    def action_pwn(self) -> None:
        self.pwned = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "revoke" else True

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self.heard.append(event.text)


@asynccontextmanager
async def shown(
    make: Callable[[], Widget], size: tuple[int, int] = (80, 12)
) -> AsyncIterator[Pilot[None]]:
    async with Bench(make).run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot


def piece(pilot: Pilot[None], kind: type[W]) -> W:
    return pilot.app.query_one(kind)
