"""The second line of a list: filter, counts, marks; at the right the order and the position."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal

from kmtui.status import Cell
from kmtui.text import one_line, width_of
from kmtui.widgets.line import Line, cells_width


class StatusLine(Horizontal):
    """What the list holds, and a place to say why a key did nothing."""

    DEFAULT_CSS = "StatusLine { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left, self._right = Line(), Line()
        # By itself: Textual paints from a widget's first cell, and the position moves at each key.
        self._place = Line()
        self._facts: dict[str, object] = {}
        self._said: Cell = ("", "")

    def tell(
        self,
        *,
        counts: Sequence[Cell] | None = None,
        filter: str | None = None,
        marks: int | None = None,
        sort: str | None = None,
        position: str | None = None,
    ) -> None:
        """Show new facts; what is not given stays as it was.

        `counts` are pieces such as ``("214 names", "")``, ``("3 expired", "bad")``; `sort` is a
        word with its direction (``expires ^``); `position` is where the cursor is.
        """
        given = {
            "counts": counts,
            "filter": filter,
            "marks": marks,
            "sort": sort,
            "position": position,
        }
        self._facts.update({name: value for name, value in given.items() if value is not None})
        self._draw()

    def say(self, text: str, tone: str = "") -> None:
        """Say one thing in place of the counts; an empty text brings the counts back."""
        if (text, tone) != self._said:
            self._said = (text, tone)
            self._draw()

    @property
    def said(self) -> str:
        """What is said at present, if anything."""
        return self._said[0]

    def _draw(self) -> None:
        sort = self._facts.get("sort")
        position = self._facts.get("position")
        place = f"  {position}" if position else ""
        if self._said[0] and width_of(one_line(self._said[0] + place)) >= self.size.width:
            place = ""  # what was said is what matters now
        room = self.size.width - width_of(one_line(place))
        self._left.show(self._fitting(room))
        self._show_at_width(self._right, f" sort {sort}" if sort else "", "muted")
        self._show_at_width(self._place, place, "")
        self._make_room()

    def _fitting(self, room: int) -> list[Cell]:
        """What is said; else as many counts as there is room for, each whole."""
        if self._said[0]:
            return [self._said]
        counts = self._facts.get("counts") or ()
        assert isinstance(counts, Sequence)
        for gap, shown in (("   ", len(counts)), *(("  ", n) for n in range(len(counts), 0, -1))):
            cells = self._cells(gap, counts[:shown])
            if shown < len(counts):
                cells.append((f"{gap}…", "muted"))
            if cells_width(cells) <= room:
                return cells
        return self._cells("  ", counts)

    def _cells(self, gap: str, counts: Sequence[Cell]) -> list[Cell]:
        """Filter, marks and counts with a gap between them."""
        cells: list[Cell] = []
        if filter := self._facts.get("filter"):
            cells += [(f"/{filter}", "accent"), ("  ", "")]
        if marks := self._facts.get("marks"):
            cells += [(f"{marks} marked", "strong"), ("  ", "")]
        for at, count in enumerate(counts):
            cells += [(gap if at else "", ""), count]
        return cells

    def _show_at_width(self, line: Line, text: str, tone: str) -> None:
        line.styles.width = width_of(one_line(text))
        line.show([(text, tone)])

    def compose(self) -> ComposeResult:
        self._draw()
        yield self._left
        yield self._right
        yield self._place

    def on_resize(self) -> None:
        self._draw()

    def _make_room(self) -> None:
        """Where room is short the order goes first; the position stays."""
        parts = (self._left, self._right, self._place)
        self._right.display = sum(part.needs for part in parts) <= self.size.width
