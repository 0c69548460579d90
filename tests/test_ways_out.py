"""The real program on a real terminal line: every way out leaves the terminal as it was."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ENTER = b"\x1b[?1049h"
LEAVE = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[<u")
"""Main screen, cursor, bracketed paste and keyboard protocol as before."""
PATIENCE = 30.0


class Line:
    """The program on one end of a terminal line, the test on the other."""

    def __init__(self, data: Path) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        environ = {**os.environ, "KMTUI_DATA": str(data), "TERM": "xterm-256color"}
        environ |= {"COLUMNS": "80", "LINES": "24"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kmtui"],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environ,
            start_new_session=True,
        )
        self.seen = b""

    def read_until(self, text: bytes) -> None:
        """Read what the program draws until `text` was among it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            self.read(0.1)

    def read(self, seconds: float) -> None:
        """Read what comes within some time."""
        if select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536)

    def wait(self) -> int:
        """The exit code; reads on, because a full line would hold the program up."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "still running"
            self.read(0.05)
        self.read(0.2)
        return self.process.returncode

    def restored(self) -> bool:
        """Whether the terminal is as it was."""
        end = self.seen[self.seen.rindex(ENTER) :]
        return all(code in end for code in LEAVE) and termios.tcgetattr(self.slave) == self.before


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(tmp_path / "data")
    line.read_until(b"No certificates yet")
    yield line
    if line.process.poll() is None:
        line.process.kill()
        line.process.wait()
    for end in (line.master, line.slave):
        if end >= 0:
            os.close(end)


@pytest.mark.parametrize("key", [b"q", b"\x03", b"\x11"])
def test_quit_keys_leave_with_zero(line: Line, key: bytes) -> None:
    os.write(line.master, key)

    assert line.wait() == 0
    assert line.restored()


@pytest.mark.parametrize(
    "number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM], ids=lambda s: s.name
)
def test_signals_leave_with_their_code(line: Line, number: signal.Signals) -> None:
    line.process.send_signal(number)

    assert line.wait() == 128 + number
    assert line.restored()


def test_a_lost_line_ends_the_program(line: Line) -> None:
    os.close(line.slave)
    os.close(line.master)
    line.slave = line.master = -1

    assert line.process.wait(timeout=PATIENCE) == 128 + signal.SIGHUP


def test_the_shell_and_back(line: Line) -> None:
    os.write(line.master, b"\x1a")
    line.read_until(LEAVE[0])
    deadline = time.monotonic() + PATIENCE
    while _state(line.process.pid) != "T":
        assert time.monotonic() < deadline
        line.read(0.02)
    line.read(0.2)
    assert line.restored()

    line.seen = b""
    line.process.send_signal(signal.SIGCONT)
    line.read_until(b"No certificates yet")
    os.write(line.master, b"q")
    assert line.wait() == 0
    assert line.restored()


def test_nothing_is_sent_while_nothing_happens(line: Line) -> None:
    line.read(1.0)  # the rest of the first paint
    line.read(0.5)
    line.seen = b""
    quiet_until = time.monotonic() + 3.0
    while time.monotonic() < quiet_until:
        line.read(0.1)

    assert line.seen == b""


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
