"""One line of text with a left and a right part: the base of everything that is one line high."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.geometry import Region
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
        self._painted: list[Cell] = []

    def show(self, left: Cells, right: Cells = ()) -> None:
        """Show these pieces of text; where room is short the left part is cut."""
        left, right = tuple(left), tuple(right)
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh_changed()

    @property
    def needs(self) -> int:
        """Cells that everything to be shown takes."""
        return cells_width(clean((*self._left, *self._right)))

    def refresh_changed(self) -> None:
        """Paint again from the first to the last cell that differs from what was painted."""
        before, now = self._painted, _by_cell(self._fitted())
        if len(before) != len(now):
            self.refresh()
            return
        changed = [at for at, (old, new) in enumerate(zip(before, now, strict=True)) if old != new]
        if changed:
            self.refresh(Region(changed[0], 0, changed[-1] - changed[0] + 1, 1))

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """Left and right part for a width in cells."""
        return self._left, self._right

    def render(self) -> Content:
        cells = self._fitted()
        self._painted = _by_cell(cells)
        return assemble(self.app.current_theme.name, cells)

    def _fitted(self) -> list[Cell]:
        """The pieces that fit the width, filled up to it."""
        width = self.size.width
        left, right = (clean(part) for part in self.parts(width))
        room = width - cells_width(right)
        if room < 1:
            right, room = [], width
        left = clip(left, room - 1 if right else room)
        return [*left, (" " * (room - cells_width(left)), ""), *right]


def clean(cells: Iterable[Cell]) -> list[Cell]:
    """The pieces, filtered and on one line."""
    return [(one_line(text), name) for text, name in cells]


def cells_width(cells: Iterable[Cell]) -> int:
    """Terminal cells that all pieces take."""
    return sum(width_of(text) for text, _ in cells)


def _by_cell(cells: Iterable[Cell]) -> list[Cell]:
    """One entry for each terminal cell; the second of a wide character is empty."""
    found: list[Cell] = []
    for text, name in cells:
        for character in text:
            found.append((character, name))
            found += [("", name)] * (width_of(character) - 1)
    return found


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
