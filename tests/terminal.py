"""The screen of an App under test, read as an operator sees it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.worker import WorkerCancelled


def screen_lines(app: App[Any]) -> list[str]:
    """What the terminal shows, line by line, without space at the line ends."""
    return ["".join(segment.text for segment in strip).rstrip() for strip in _strips(app)]


def screen_text(app: App[Any]) -> str:
    """What the terminal shows, as one text."""
    return "\n".join(screen_lines(app))


def raw_text(app: App[Any]) -> str:
    """Every character that is sent for the screen, without styles."""
    return "".join(segment.text for strip in _strips(app) for segment in strip)


def line_with(app: App[Any], text: str) -> str:
    """The first line that holds a text."""
    return next(line for line in screen_lines(app) if text in line)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until readers, messages and the tick have done their work."""
    for _ in range(3):
        with suppress(WorkerCancelled):  # a newer one of its kind took its place
            await pilot.app.workers.wait_for_complete()
        await pilot.pause()


def _strips(app: App[Any]) -> list[Any]:
    # Private, and pinned with Textual: the compositor is what the driver is fed from.
    return app.screen._compositor.render_strips()
