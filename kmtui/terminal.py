"""What stands between Textual and the terminal: input that ends, output that cannot block."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from rich.segment import Segment
from textual._xterm_parser import XTermParser
from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.message import Message

from kmtui.sgr import lean
from kmtui.text import width_of

if TYPE_CHECKING:
    from textual.app import App

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
POLL_MILLISECONDS = 100
"""How soon the input thread sees that it should end."""


class LineLost(Message):
    """There is nobody at the terminal any more."""


class TerminalDriver(LinuxDriver):
    """Textual's driver, except that a lost line ends the program instead of spinning.

    Textual reads an end of file again and again, and its writer thread dies at the first error,
    after which the program blocks on a full queue.
    """

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stdout__ is not None
        assert sys.__stderr__ is not None
        screen = sys.__stderr__ if sys.__stderr__.isatty() else sys.__stdout__
        self._file = TerminalOutput(screen)  # type: ignore[assignment]  # write, flush, fileno

    def write(self, data: str) -> None:
        """Send output, without what would change nothing."""
        super().write(lean(data))

    def run_input_thread(self) -> None:
        """Read keys until told to stop, or until there is nobody at the other end."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while not self.exit_event.is_set():
            if poll.poll(POLL_MILLISECONDS):
                octets = self._read()
                if not octets:
                    self._line_lost()
                    return
                for event in parser.feed(decode(octets)):
                    self.process_message(event)
            for event in parser.tick():
                self.process_message(event)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:  # EIO: the terminal is gone
            return b""

    def _line_lost(self) -> None:
        self._loop.call_soon_threadsafe(self._app.post_message, LineLost())


class TerminalOutput:
    """The terminal as a file that swallows what can no longer be shown."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._gone = False

    def write(self, text: str) -> int:
        """Write, or forget when the terminal is gone."""
        if not self._gone:
            try:
                self._file.write(text)
            except OSError:
                self._gone = True
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        if not self._gone:
            try:
                self._file.flush()
            except OSError:
                self._gone = True

    def fileno(self) -> int:
        """The terminal's file descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._file.isatty()


@contextmanager
def signals_told_to(leave: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `leave` in the event loop for a signal that ends programs; a second one ends at once.

    Textual sets no handlers: the terminal would stay in raw mode, on the other screen.
    """
    loop = asyncio.get_running_loop()

    def first(number: signal.Signals) -> None:
        for each in ENDING:
            loop.remove_signal_handler(each)
        leave(number)

    for number in ENDING:
        loop.add_signal_handler(number, first, number)
    try:
        yield
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)


def can_show_unicode() -> bool:
    """Whether the locale can write what is not ASCII."""
    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    return "utf" in encoding.lower()


class AsciiOnly(LineFilter):
    """Draws every character outside ASCII as one inside it, as wide as it was."""

    TWINS = str.maketrans("…⏎─│┌┐└┘├┤▌▐█▁▔•–—’‘“”·", "~<-|++++++||#_-*--''\"\".")

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(self.twin(segment.text), segment.style, segment.control)
            for segment in segments
        ]

    @classmethod
    def twin(cls, text: str) -> str:
        """The text in ASCII, as wide as it was."""
        return "".join(
            character if character.isascii() else "?" * width_of(character)
            for character in text.translate(cls.TWINS)
        )
