"""Labels and values of one thing: the pane beside a list, or the head of a screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from kmtui.status import Cell
from kmtui.text import fit, one_line, plain, wrap
from kmtui.widgets.line import assemble

Fact = tuple[str, str | Cell]
"""A label and its value, the value with a tone if it has one. A value may have several lines."""


class Details(VerticalScroll, can_focus=True):
    """Facts in two columns; long values wrap under themselves, long lists scroll."""

    DEFAULT_CSS = """
    Details { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; }
    Details > FactSheet { height: auto; width: 1fr; }
    """

    def __init__(self, *, label_width: int = 9, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sheet = FactSheet(label_width)

    def compose(self) -> ComposeResult:
        yield self._sheet

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these facts from the top."""
        if self._sheet.show(facts):
            self.scroll_home(animate=False)

    def clear(self, said: str = "") -> None:
        """Show nothing, or one sentence."""
        self.show([("", (said, "muted"))] if said else [])

    @property
    def text(self) -> str:
        """All of it as text, for the clipboard."""
        return self._sheet.text


class FactSheet(Widget):
    """The facts themselves, as high as they need to be."""

    def __init__(self, label_width: int) -> None:
        super().__init__()
        self._label_width = label_width
        self._facts: tuple[tuple[str, Cell], ...] = ()

    def show(self, facts: Sequence[Fact]) -> bool:
        """Show other facts; False when they are the same."""
        new = tuple(
            (label, (value, "") if isinstance(value, str) else value) for label, value in facts
        )
        if new == self._facts:
            return False
        width = self.size.width
        before, self._facts = len(self._lines(width)) if width else 0, new
        # Most rows have as many lines as the one before: then nothing around them moves.
        self.refresh(layout=not width or len(self._lines(width)) != before)
        return True

    @property
    def text(self) -> str:
        """Labels and values, a line each."""
        return "\n".join(f"{label}  {value}".strip() for label, (value, _) in self._facts)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line for each line of each wrapped value."""
        return max(len(self._lines(width)), 1)

    def render(self) -> Content:
        lines = self._lines(self.size.width)
        theme = self.app.current_theme.name
        return Content("\n").join([assemble(theme, line) for line in lines])

    def _lines(self, width: int) -> list[list[Cell]]:
        lines: list[list[Cell]] = []
        for label, (value, tone) in self._facts:
            indent = self._label_width if label else 0
            for at, text in enumerate(wrap(plain(value), width - indent)):
                head = fit(one_line(label) if at == 0 else "", indent - 1) + " " if indent else ""
                lines.append([(head, "muted"), (text, tone)])
        return lines
