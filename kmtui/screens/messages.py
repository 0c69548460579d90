"""What the App tells the screens: past-tense facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from kmtui.core.events import Event


class CoreOpened(Message, bubble=False):
    """The inventory is open: screens may read it."""


class Changed(Message, bubble=False):
    """Things changed since the last tick; what is shown of them should be read again.

    `events` holds the last event of each kind and object. It is empty when anything may have
    changed: another process wrote, or the screen was away.
    """

    def __init__(self, events: Sequence[Event] = ()) -> None:
        super().__init__()
        self.events = tuple(events)

    def and_then(self, later: Changed) -> Changed:
        """Both as one."""
        known = bool(self.events and later.events)
        return Changed((*self.events, *later.events) if known else ())
