"""What is painted while everything else is still being imported: the frame of the home screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from kmtui.widgets.titleline import TitleLine


class OpeningScreen(Screen[None]):
    """The title line alone; the home screen takes its place a moment later."""

    def compose(self) -> ComposeResult:
        yield TitleLine("certificates")
