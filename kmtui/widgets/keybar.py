"""The last line: the keys of the list that has the focus, in whole words, always in one order."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.bindings import KEYS, Key
from kmtui.status import Cell
from kmtui.widgets.line import Cells, Line, cells_width

WIDE = 100


class KeyBar(Line):
    """As many keys as fit, no word cut; a key that is impossible now is grey, not gone."""

    def __init__(self, keys: Sequence[str] = (), *, id: str | None = None) -> None:
        """`keys` are ids of `kmtui.bindings`, the most needed first."""
        super().__init__(id=id)
        self._keys = tuple(keys)
        self._drawn: list[Cell] = []

    def show_keys(self, keys: Sequence[str]) -> None:
        """Show other keys, e.g. when another pane has the focus."""
        self._keys = tuple(keys)
        self._look_again()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._look_again())

    def _look_again(self) -> None:
        if self._fitting(self.size.width) != self._drawn:
            self.refresh_changed()

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """The keys that fit."""
        self._drawn = self._fitting(width)
        return self._drawn, ()

    def _fitting(self, width: int) -> list[Cell]:
        gap = "  " if width >= WIDE else " "
        hints = [
            self._hint(KEYS[name], state)
            for name in self._keys
            if (state := self._state(KEYS[name])) is not False
        ]
        cells: list[Cell] = []
        for hint in hints:
            more = [*hint] if not cells else [(gap, ""), *hint]
            if cells_width(cells) + cells_width(more) > width:
                break
            cells += more
        return cells

    def _hint(self, key: Key, state: bool | None) -> list[Cell]:
        name = key.display
        if name == "⏎" and getattr(self.app, "ascii_only", False):
            name = "enter"
        if state is None:
            return [(f"{name} {key.word}", "off")]
        return [(name, "key"), (f" {key.word}", "muted")]

    def _state(self, key: Key) -> bool | None:
        """True: works now; None: shown grey; False: does not exist here."""
        for node in (self.screen, self.app):
            state: bool | None = node.check_action(key.id, ())
            if state is not True:
                return state
        return True
