"""Rows and headers as strips: where columns, tones and the cursor become cells of the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from kmtui.status import Cell, look
from kmtui.text import fit, one_line
from kmtui.theme import tone
from kmtui.widgets.rows import Column, Row, layout

GUTTER = 3
"""Cells before the first column: mark, status glyph, space."""


@dataclass(frozen=True, slots=True)
class Painter:
    """Everything that one line's look depends on besides its row."""

    theme: str
    base: Style
    width: int
    columns: tuple[Column, ...]
    unicode: bool = False

    def blank(self) -> Strip:
        """An empty line."""
        return Strip.blank(self.width, self.base)

    def say(self, text: str, name: str = "") -> Strip:
        """A line of words in place of a row."""
        line = fit("  " + one_line(text), self.width)
        return Strip([Segment(line, self.base + self._tone(name))], self.width)

    def header(self, sorted_by: tuple[str, bool] | None) -> Strip:
        """The column titles, with ``^`` or ``v`` at the one that gives the order."""
        pieces = []
        for at, wide in layout(self.columns, self.width - GUTTER):
            column = self.columns[at]
            title = one_line(column.title)
            if sorted_by and column.sort and column.sort == sorted_by[0]:
                title += "v" if sorted_by[1] else "^"
            pieces.append(fit(title, wide, column.align))
        line = fit(" " * GUTTER + " ".join(pieces), self.width)
        return Strip([Segment(line, self.base + self._tone("header"))], self.width)

    def row(self, row: Row, mark: str = " ", ground: str = "") -> Strip:
        """One row; `ground` is the tone of the cursor row, empty for the others.

        The state word keeps its own tone on the cursor row.
        """
        base = self.base + self._tone(ground)
        state = look(row.status)
        glyph = state.unicode if self.unicode else state.glyph
        pieces: list[Cell] = [(mark, "accent"), (glyph, state.tone), (" ", "")]
        for at, wide in layout(self.columns, self.width - GUTTER):
            text, name = row.cells[at] if at < len(row.cells) else ("", "")
            column = self.columns[at]
            shown = fit(one_line(text), wide, column.align, middle=column.middle)
            pieces += _padded(shown, name)
            pieces.append((" ", ""))
        segments = [Segment(text, base + self._tone(name)) for text, name in pieces if text]
        return Strip(segments).adjust_cell_length(self.width, base).simplify()

    def _tone(self, name: str) -> Style:
        return tone(self.theme, name).rich_style


def _padded(text: str, name: str) -> Iterable[Cell]:
    """The text in its tone, the padding without: a coloured ground must not run into the next."""
    bare = text.strip(" ")
    if not name or not bare:
        return [(text, "")]
    left = len(text) - len(text.lstrip(" "))
    return [(text[:left], ""), (bare, name), (text[left + len(bare) :], "")]
