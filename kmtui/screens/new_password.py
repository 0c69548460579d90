"""A password that was made here: shown once, to be copied, and then gone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from kmtui.bindings import bindings
from kmtui.text import Secret
from kmtui.widgets.line import Line


class PasswordPanel(ModalScreen[None]):
    """The only place where it is ever drawn; no list, log or error has it.

    One esc that was typed ahead does not close it.
    """

    DEFAULT_CSS = """
    PasswordPanel { align: center middle; }
    PasswordPanel > Vertical { width: 66; max-width: 100%; height: auto; padding: 0 1;
                               border: solid $border; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("copy", "back", show=False)]

    def __init__(self, subject: str, password: Secret[str]) -> None:
        """`subject` is what was sealed under it."""
        super().__init__()
        self._subject = subject
        self._password = password
        self._said = Line()
        self._warned = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Line([(f"PASSWORD of {self._subject}", "strong")])
            yield Line()
            yield Line([(self._password.reveal(), "accent")])
            yield Line()
            yield Line([("It opens the file, is shown this once, and kept nowhere.", "")])
            yield self._said
            ways = [("y", "key"), (" copy   ", ""), ("esc", "key"), (" I have it", "")]
            yield Line(ways)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._password.reveal())
        self._warned = True
        self._said.show([("copied to the terminal's clipboard", "good")])

    def action_back(self) -> None:
        if self._warned:
            self.dismiss(None)
        self._warned = True
        self._said.show([("nobody can show it again: y copies it, esc once more closes", "warn")])
