"""The line that stands for fields that few need: enter shows them, and hides them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from kmtui.status import Cell
from kmtui.widgets.line import Cells, Line

HELP = "What few need: enter shows it, and hides it again."


class Fold(Line, can_focus=True):
    """``+ 8 more: TTL 120, Propagation check, …``; what is not as usual stands first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "turn", "turn", show=False),
        Binding("right", "turn(True)", "open", show=False),
        Binding("left", "turn(False)", "close", show=False),
    ]

    class Turned(Message):
        """It was opened or closed."""

        def __init__(self, fold: Fold) -> None:
            super().__init__()
            self.fold = fold

    def __init__(self) -> None:
        super().__init__()
        self.opened = False
        self._pieces: tuple[Cell, ...] = ()

    def tell(self, *, changed: Sequence[str], usual: Sequence[str]) -> None:
        """What stands behind it: what is not as usual (``TTL 120``), and the labels of the rest."""
        self._pieces = (*((each, "") for each in changed), *((each, "muted") for each in usual))
        self.refresh_changed()

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """All of it when it is closed, the number alone when it is open."""
        sign = "-" if self.opened else "+"
        head = (f"{sign} {len(self._pieces)} more", "active" if self.has_focus else "accent")
        if self.opened:
            return [head], ()
        cells: list[Cell] = [head]
        for at, (text, tone) in enumerate(self._pieces):
            cells += [(", " if at else ": ", "muted"), (text, tone)]
        return cells, ()

    def action_turn(self, opened: bool | None = None) -> None:
        """Open it or close it; without a word the other of the two."""
        wanted = not self.opened if opened is None else opened
        if wanted != self.opened:
            self.opened = wanted
            self.refresh()
            self.post_message(self.Turned(self))

    def on_click(self) -> None:
        self.action_turn()
