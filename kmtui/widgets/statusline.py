"""The second line of a list: filter, counts, marks; at the right the order and the position."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.status import Cell
from kmtui.widgets.line import Cells, Line, cells_width


class StatusLine(Line):
    """What the list holds, and a place to say why a key did nothing."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
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
        left: list[Cell] = []
        if self._said[0]:
            left.append(self._said)
        else:
            if filter := self._facts.get("filter"):
                left += [(f"/{filter}", "accent"), ("  ", "")]
            if marks := self._facts.get("marks"):
                left += [(f"{marks} marked", "strong"), ("  ", "")]
            counts = self._facts.get("counts") or ()
            assert isinstance(counts, Sequence)
            for at, count in enumerate(counts):
                left += [("   " if at else "", ""), count]
        sort = self._facts.get("sort")
        right = [(f"sort {sort}", "muted")] if sort else []
        if position := self._facts.get("position"):
            right.append((f"  {position}", ""))
        self.show(left, right)

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """Where room is short the order goes before the position."""
        left, right = super().parts(width)
        if cells_width(left) + cells_width(right) >= width:
            right = right[-1:]
        return left, right
