"""The screens on a real terminal line: keys go in, and every character that comes out is kept."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager

import pyte

ROWS, COLUMNS = 24, 80
WIDE = (40, 120)
PATIENCE = 60.0
"""Seconds for one thing to be drawn; generous, because the machine may be busy."""
QUIET = 0.1
"""Seconds without output after which the next key is pressed."""


class Screen:
    """The program on a terminal, 80 by 24 at first: what it sends, and what can be seen of it."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.sent = ""
        """Every character the program wrote to its terminal."""
        self.pages: list[str] = []
        """What was to be seen, one after the other."""
        self._master = master
        self._decode = getincrementaldecoder("utf-8")("strict").decode
        self._picture = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self._picture)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._picture.display)

    def press(self, key: str, awaited: str = "") -> None:
        """Press a key; return when `awaited` can be seen and nothing more is drawn."""
        os.write(self._master, key.encode())
        self.wait_for(awaited)

    def wait_for(self, awaited: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._read(QUIET) or awaited not in self.text:
            assert time.monotonic() < deadline, f"no {awaited!r} on:\n{self.text}"
            assert self.process.poll() is None, f"it ended by itself:\n{self.text}"

    def rest(self, seconds: float) -> None:
        """Take in what is drawn, until nothing was for so long."""
        while self._read(seconds):
            pass

    def resize(self, rows: int, columns: int, awaited: str = "") -> None:
        """Pull the terminal to another size, as a window is."""
        set_size(self._master, rows, columns)
        self._picture.resize(rows, columns)
        self.process.send_signal(signal.SIGWINCH)
        self.wait_for(awaited)

    def leave(self, key: str) -> int:
        """Press the key that quits; the exit code."""
        os.write(self._master, key.encode())
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still running:\n{self.text}"
            self._read(0.05)
        while self._read(0.2):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        """Take in what comes within some time; False when nothing does."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        piece = self._decode(os.read(self._master, 65536))
        self.sent += piece
        # A picture needs no private modes, and the emulator takes the keyboard's for text.
        self._stream.feed(re.sub(r"\x1b\[[<=>][0-9;]*[a-z]", "", piece))
        self.pages.append(self.text)
        return True


def set_size(line: int, rows: int, columns: int) -> None:
    """Tell a terminal line how large its window is (TIOCSWINSZ)."""
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextmanager
def on_screen(environment: dict[str, str]) -> Iterator[Screen]:
    """The program without arguments, on a terminal of its own."""
    master, slave = pty.openpty()
    set_size(slave, ROWS, COLUMNS)
    process = subprocess.Popen(
        [sys.executable, "-m", "kmtui"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    try:
        yield Screen(master, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
        os.close(slave)
