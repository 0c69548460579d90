"""A field for a secret: typed or pasted without echo, also when it has several lines."""

from __future__ import annotations

import re

from textual import events
from textual.widgets import Input

_PATH = re.compile(r"[/~][^\r\n]*")


class SecretInput(Input):
    """Shows a dot for each character. What is pasted stays whole: keys have many lines."""

    def __init__(self, placeholder: str = "", *, file: bool = False) -> None:
        """`file`: the path of a file will do; what can only be a path is echoed."""
        super().__init__(
            placeholder=placeholder, password=True, compact=True, select_on_focus=False
        )
        self.cursor_blink = False
        self._file = file

    def watch_value(self, value: str) -> None:
        self.password = not (self._file and _PATH.fullmatch(value))

    def on_paste(self, event: events.Paste) -> None:
        """Take all of it; a line feed at its end belongs to how it was copied."""
        event.prevent_default()
        event.stop()
        self.replace(event.text.rstrip("\r\n"), *sorted(self.selection))
