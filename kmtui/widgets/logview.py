"""The end of a log: newest line last, in view unless the operator scrolled up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip
from textual.widget import Widget

from kmtui.bindings import bindings
from kmtui.model import LogLine
from kmtui.status import clock, look
from kmtui.text import fit, one_line, plain, wrap
from kmtui.theme import tone

KEPT = 5000
"""Lines held; older ones are in the database."""
MOVES = ("cursor_down", "cursor_up", "top", "bottom", "page_down", "page_up")


class LogView(Widget, can_focus=True):
    """Log lines with time and level; `wrapped` breaks long lines, else they are cut."""

    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*MOVES, show=False)]

    def __init__(self, *, wrapped: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wrapped = wrapped
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._drawn: list[tuple[str, str]] = []
        self._top: int | None = None  # None follows the end

    @property
    def last_id(self) -> int:
        """Id of the newest line, 0 when there is none: read on from there."""
        return self._lines[-1].id if self._lines else 0

    @property
    def text(self) -> str:
        """All lines as text, for the clipboard."""
        return "\n".join(f"{clock(line.at)} {line.text}" for line in self._lines)

    def show(self, lines: Iterable[LogLine]) -> None:
        """Show these lines instead of what was there."""
        lines = list(lines)
        if lines != list(self._lines):
            self._lines.clear()
            self._lines.extend(lines)
            self._top = None
            self._draw()

    def extend(self, lines: Iterable[LogLine]) -> None:
        """Add newer lines."""
        known = self.last_id
        newer = [line for line in lines if line.id > known]
        if newer:
            self._lines.extend(newer)
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """Break all lines for the present width."""
        width = self.size.width - 11  # time, glyph
        self._drawn = []
        lines = self._lines
        if not self._wrapped and self._top is None:
            lines = deque(islice(lines, max(len(lines) - 1000, 0), None))
        for line in lines:
            texts = wrap(plain(line.text), width) if self._wrapped else [one_line(line.text)]
            for at, text in enumerate(texts):
                head = f"{clock(line.at)} {look(line.level).glyph} " if at == 0 else " " * 11
                self._drawn.append((head + text, look(line.level).tone))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.visual_style.rich_style
        at = self._first + y
        if at >= len(self._drawn):
            return Strip.blank(width, base)
        text, name = self._drawn[at]
        style = tone(self.app.current_theme.name, name).rich_style
        line = fit(text, width)
        bare = line.rstrip(" ")
        return Strip(
            [Segment(bare, base + style), Segment(line[len(bare) :], base)], width
        ).simplify()

    @property
    def _first(self) -> int:
        end = max(len(self._drawn) - self.size.height, 0)
        return end if self._top is None else min(self._top, end)

    def _scroll(self, top: int) -> None:
        end = max(len(self._drawn) - self.size.height, 0)
        self._top = None if top >= end else max(top, 0)
        self.refresh()

    def action_cursor_down(self) -> None:
        self._scroll(self._first + 1)

    def action_cursor_up(self) -> None:
        self._scroll(self._first - 1)

    def action_page_down(self) -> None:
        self._scroll(self._first + self.size.height)

    def action_page_up(self) -> None:
        self._scroll(self._first - self.size.height)

    def action_top(self) -> None:
        self._scroll(0)

    def action_bottom(self) -> None:
        self._scroll(len(self._drawn))
