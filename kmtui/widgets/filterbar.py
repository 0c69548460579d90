"""The line in which a list's filter is typed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from kmtui.text import one_line

PAUSE = 0.12
"""Seconds without a key before the list is read with the new text."""


class FilterBar(Horizontal):
    """Hidden until opened. Enter keeps the text, escape clears it; both give the focus back."""

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; }
    FilterBar Static { width: 1; }
    FilterBar Input { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False),
        Binding("down", "keep", "keep", show=False),
    ]

    class Changed(Message):
        """The filter is another one; `text` is what the list should be read with."""

        def __init__(self, bar: FilterBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

    class Typed(Message):
        """A character came or went; `typed` is what stands there."""

        def can_replace(self, message: Message) -> bool:
            """Only what stands there last is of interest."""
            return isinstance(message, FilterBar.Typed)

    class Closed(Message):
        """The bar is hidden again; the list wants the focus."""

        def __init__(self, bar: FilterBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

    def __init__(self, *, help: str = "words, !word, status:due", id: str | None = None) -> None:
        super().__init__(id=id)
        self._help = help
        self._told = ""
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("/", markup=False)
        field = Input(placeholder=self._help, compact=True, select_on_focus=False)
        field.cursor_blink = False
        yield field

    @property
    def text(self) -> str:
        """The filter in force."""
        return self._told

    @property
    def typed(self) -> str:
        """What stands in the line, in force or not."""
        return self.query_one(Input).value if self.is_mounted else ""

    @property
    def is_open(self) -> bool:
        """Whether it is being typed in."""
        return self.has_class("-open")

    def open(self) -> None:
        """Show the line and take the focus."""
        self.add_class("-open")
        # At once: neither style sheet nor `focus` may wait for a later turn. What is typed ahead
        # belongs to the filter; anywhere else its letters are commands.
        self.display = True
        self.screen.set_focus(self.query_one(Input))

    def clear(self) -> bool:
        """Take the filter away; False when there was none."""
        had = bool(self._told)
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self._tell("")
        return had

    def set_text(self, text: str) -> None:
        """Filter by this text, as if it had been typed and kept."""
        with self.prevent(Input.Changed):
            self.query_one(Input).value = one_line(text)
        self._tell(text)

    def action_clear(self) -> None:
        self.clear()
        self._close()

    def action_keep(self) -> None:
        self._tell(self.query_one(Input).value)
        self._close()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Wait for a pause in typing."""
        event.stop()
        self.post_message(self.Typed())
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, lambda: self._tell(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_keep()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Tab leaves the line as enter does."""
        if self.is_open:
            self.action_keep()

    def _tell(self, text: str) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        if text != self._told:
            self._told = text
            self.post_message(self.Changed(self, text))

    def _close(self) -> None:
        if self.is_open:
            self.remove_class("-open")
            self.display = False
            self.post_message(self.Closed(self, self._told))
