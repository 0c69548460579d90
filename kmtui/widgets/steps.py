"""The way of a request on one line: what is done, what is going on, what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kmtui.status import Cell, look
from kmtui.widgets.line import Cells, Line

WIDE = 100
_WORDS = {"done": "done", "now": "running", "to come": "queued", "failed": "failed"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `state` is ``done``, ``now``, ``to come`` or ``failed``."""

    word: str
    state: str
    detail: str = ""
    """Shown behind the word of the step that is going on or failed: ``1 of 3``."""


class Steps(Line):
    """``+ account  + order  > challenges 1 of 3  . finalize  . download``"""

    def __init__(self, steps: Sequence[Step] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._steps = tuple(steps)

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Show these steps."""
        if tuple(steps) != self._steps:
            self._steps = tuple(steps)
            self.refresh_changed()

    def parts(self, width: int) -> tuple[Cells, Cells]:
        """All steps, wider apart where there is room."""
        gap = "   " if width >= WIDE else "  "
        cells: list[Cell] = []
        for at, step in enumerate(self._steps):
            state = look(_WORDS[step.state])
            glyph = state.unicode if getattr(self.app, "unicode_glyphs", False) else state.glyph
            tone = "muted" if step.state == "to come" else state.tone
            words = step.word
            if step.detail and step.state in ("now", "failed"):
                words += f" {step.detail}"
            cells += [(gap if at else "", ""), (f"{glyph} {words}", tone)]
        return cells, ()
