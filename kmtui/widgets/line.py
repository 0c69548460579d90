"""One line of text with a left and a right part: the base of everything that is one line high."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget

from kmtui.status import Cell
from kmtui.text import one_line, shorten, width_of
from kmtui.theme import tone

Cells = Sequence[Cell]


class Line(Widget):
    """One line; repainted only when what it shows changed, because bytes are dear over SSH."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, left: Cells = (), right: Cells = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: Cells = tuple(left)
        self._right: Cells = tuple(right)

    def show(self, left: Cells, right: Cells = ()) -> None:
        """Show these pieces of text; where room is short the left part is cut."""
        left, right = tuple(left), tuple(right)
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """Left and right part for a width in cells."""
        return self._left, self._right

    def render(self) -> Content:
        width = self.size.width
        left, right = (clean(part) for part in self.parts(width))
        room = width - cells_width(right)
        if room < 1:
            right, room = [], width
        left = clip(left, room - 1 if right else room)
        gap = (" " * (room - cells_width(left)), "")
        return assemble(self.app.current_theme.name, [*left, gap, *right])


def clean(cells: Iterable[Cell]) -> list[Cell]:
    """The pieces, filtered and on one line."""
    return [(one_line(text), name) for text, name in cells]


def cells_width(cells: Iterable[Cell]) -> int:
    """Terminal cells that all pieces take."""
    return sum(width_of(text) for text, _ in cells)


def clip(cells: Iterable[Cell], width: int) -> list[Cell]:
    """The pieces cut at the end to `width` cells."""
    kept: list[Cell] = []
    for text, name in cells:
        wide = width_of(text)
        if wide > width:
            return [*kept, (shorten(text, width), name)]
        kept.append((text, name))
        width -= wide
    return kept


def assemble(theme: str, cells: Iterable[Cell]) -> Content:
    """Filtered pieces as content, each in its tone."""
    return Content.assemble(*((text, tone(theme, name)) for text, name in cells if text))
