"""The first line: where am I, who am I, may I change things."""

from __future__ import annotations

from textual.reactive import reactive

from kmtui.bindings import KEYS, MODES
from kmtui.status import Cell
from kmtui.widgets.line import Cells, Line, cells_width

WIDE = 100
"""From this width on there is room for the program's name and for who@host."""


class TitleLine(Line):
    """The six root tabs, or a trail of crumbs; at the right who@host, SANDBOX, RW / RO / LOCKED."""

    who = reactive("")
    access = reactive("")
    """``RW``, ``RO`` or ``LOCKED``; empty until known."""
    sandbox = reactive(False)

    def __init__(self, mode: str = "", crumbs: tuple[str, ...] = (), *, id: str | None = None):
        """A root screen gives its `mode`; others the `crumbs` that lead to them."""
        super().__init__(id=id)
        self._mode = mode
        self._crumbs = crumbs

    def show_crumbs(self, *crumbs: str) -> None:
        """Show another trail, once the name of the thing is known."""
        if crumbs != self._crumbs:
            self._crumbs = crumbs
            self.refresh_changed()

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """As much as fits; the tabs shrink to their digits first, then who and SANDBOX go."""
        left = self._trail(width) if self._crumbs else self._tabs(width, short=False)
        right = self._state(width, short=False)
        if cells_width(left) + cells_width(right) >= width:
            right = self._state(width, short=True)
        if not self._crumbs and cells_width(left) + cells_width(right) >= width:
            left = self._tabs(width, short=True)
        return left, right

    def _trail(self, width: int) -> list[Cell]:
        *before, last = self._crumbs
        trail = "".join(f"{crumb} > " for crumb in before)
        return [("kmtui  ", "accent"), (trail, "muted"), (last, "strong")]

    def _tabs(self, width: int, *, short: bool) -> list[Cell]:
        cells: list[Cell] = [("kmtui  ", "accent")] if width >= WIDE else []
        for mode in MODES:
            key = KEYS[mode]
            active = mode == self._mode
            label = f"{key.key} {key.word}" if active or not short else key.key
            cells += [(label, "active" if active else "muted"), ("  ", "")]
        return cells[:-1]

    def _state(self, width: int, *, short: bool) -> list[Cell]:
        cells: list[Cell] = []
        if self.who and width >= WIDE and not short:
            cells.append((f"{self.who} ", "muted"))
        if self.sandbox:
            cells.append(("DEMO " if short else "SANDBOX ", "accent"))
        if self.access:
            cells.append((self.access, "muted" if self.access == "RW" else "warn"))
        return cells
