"""One line at the foot of a terminal that tells how far a batch is; plain lines anywhere else."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self, TextIO

from kmtui.cli.output import Output
from kmtui.text import one_line, width_of

WIDEST = 30
"""Cells of the bar itself."""
BLOCKS = {"utf": ("█", "░"), "ascii": ("#", "-")}
"""Done and to do, for streams that can carry them and for those that cannot."""


class ProgressBar:
    """Draws only where standard error is a terminal; notes go above it, each on its own line.

    Needs no more of a terminal than to go back to the start of a line.
    """

    def __init__(self, out: Output, total: int) -> None:
        self._out = out
        self._total = max(total, 1)
        self._done = 0
        self._state = ""
        self._shown = 0
        self._width = _columns(out.stderr)

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._erase()

    def advance(self, note: str, state: str = "") -> None:
        """One more is done: `note` stays as a line, `state` stands beside the bar."""
        self._erase()
        self._out.note(note)
        self._done += 1
        self._state = state
        self._draw()

    def _draw(self) -> None:
        if not self._width:
            return
        counts = f" {self._done}/{self._total}"
        cells = min(WIDEST, self._width - len(counts) - 1)
        if cells < 3:
            return
        full = cells * self._done // self._total
        done, to_do = BLOCKS["utf" if _carries_blocks(self._out.stderr) else "ascii"]
        line = f"{done * full}{to_do * (cells - full)}{counts}"
        # The last column stays free: writing there makes some terminals go on in the next line.
        room = self._width - 1 - width_of(line)
        state = one_line(f" {self._state}" if self._state else "")
        if width_of(state) <= room:
            line += state
        self._shown = width_of(line)
        self._put("\r" + line)

    def _erase(self) -> None:
        if self._shown:
            self._put("\r" + " " * self._shown + "\r")
            self._shown = 0

    def _put(self, text: str) -> None:
        try:
            self._out.stderr.write(text)
            self._out.stderr.flush()
        except OSError:
            # The terminal is gone; the batch goes on without an audience.
            self._width = self._shown = 0


def _columns(stream: TextIO) -> int:
    """Columns of the terminal behind a stream; 0 when there is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def _carries_blocks(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
