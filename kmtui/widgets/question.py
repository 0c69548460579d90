"""A question on one line that waits for y or n: what is asked before several things at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from kmtui.bindings import bindings
from kmtui.widgets.line import Cells, Line, cells_width, clean

ANSWERS: Cells = (
    *(("  ", ""), ("y", "key"), (" yes  ", "muted")),
    *(("n", "key"), (" no", "muted")),
)


class Question(Line, can_focus=True):
    """Hidden until it asks; takes the focus, and gives it back with the answer."""

    DEFAULT_CSS = """
    Question { display: none; }
    Question.-asking { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("yes", "no", "back", show=False)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._on_yes: Callable[[], None] | None = None
        self._before: Widget | None = None

    def ask(self, text: str, on_yes: Callable[[], None]) -> None:
        """Ask, and call `on_yes` if the answer is y."""
        self._on_yes = on_yes
        if not self.has_class("-asking"):
            self._before = self.screen.focused
        self.show([(text, "question")])
        self.add_class("-asking")
        self.focus()

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """The answers behind the text; where room is short the text is cut, they are not."""
        text, _ = super().parts(width)
        fits = cells_width(clean((*text, *ANSWERS))) < width
        return ([*text, *ANSWERS], []) if fits else (text, ANSWERS)

    def action_yes(self) -> None:
        on_yes = self._on_yes
        self._close()
        if on_yes is not None:
            on_yes()

    def action_no(self) -> None:
        self._close()

    def action_back(self) -> None:
        self._close()

    def on_blur(self) -> None:
        """Going elsewhere is a no."""
        self._close()

    def _close(self) -> None:
        if not self.has_class("-asking"):
            return
        self._on_yes = None
        self.remove_class("-asking")
        if self._before is not None and self.has_focus:
            self._before.focus()
