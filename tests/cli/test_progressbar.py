"""The bar of a batch: one line that is rewritten on a terminal, and nothing anywhere else."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

import pytest

from kmtui.cli.output import Output
from kmtui.cli.progressbar import ProgressBar


@dataclass
class Terminal:
    """A pseudo-terminal: what is written to `stream` comes out of `seen`, less the CR of CR LF."""

    master: int
    stream: TextIO

    def seen(self) -> str:
        try:
            return os.read(self.master, 65536).decode(self.stream.encoding).replace("\r\n", "\n")
        except BlockingIOError:
            return ""


def terminal(columns: int, encoding: str = "utf-8") -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.set_blocking(master, False)
    with os.fdopen(slave, "w", encoding=encoding) as stream:
        yield Terminal(master, stream)
    os.close(master)


@pytest.fixture
def wide() -> Iterator[Terminal]:
    yield from terminal(60)


@pytest.fixture
def ascii_only() -> Iterator[Terminal]:
    yield from terminal(60, "ascii")


def test_a_pipe_gets_the_notes_and_nothing_else() -> None:
    stream = io.StringIO()

    with ProgressBar(Output(stderr=stream), 2) as bar:
        bar.advance("1/2 available www.example.org", "1 available")
        bar.advance("2/2 failed mail.example.org", "1 available, 1 failed")

    assert stream.getvalue() == "1/2 available www.example.org\n2/2 failed mail.example.org\n"


def test_a_terminal_gets_notes_above_one_line_that_is_rewritten(wide: Terminal) -> None:
    with ProgressBar(Output(stderr=wide.stream), 2) as bar:
        assert wide.seen() == "\r" + "░" * 30 + " 0/2"
        bar.advance("1/2 available www.example.org", "1 available")
        assert wide.seen() == (
            "\r" + " " * 34 + "\r1/2 available www.example.org\n"
            "\r" + "█" * 15 + "░" * 15 + " 1/2 1 available"
        )

    assert wide.seen() == "\r" + " " * 46 + "\r"


def test_a_terminal_without_blocks_gets_plain_signs(ascii_only: Terminal) -> None:
    with ProgressBar(Output(stderr=ascii_only.stream), 3) as bar:
        bar.advance("1/3 available www.example.org")

        assert ascii_only.seen().endswith("##########-------------------- 1/3")


@pytest.mark.parametrize("columns", [1, 5, 8, 12, 20, 33, 47])
def test_no_line_reaches_the_last_column(columns: int) -> None:
    for narrow in terminal(columns):
        with ProgressBar(Output(stderr=narrow.stream), 100) as bar:
            bar.advance("x", "1 available, 1 failed")
            drawn = narrow.seen().replace("\n", "\r").split("\r")

        assert max(len(line.rstrip()) for line in drawn) < max(columns, 2)


def test_foreign_text_brings_no_control_characters(wide: Terminal) -> None:
    with ProgressBar(Output(stderr=wide.stream), 1) as bar:
        bar.advance("1/1 failed \x1b[2Jx\r\x9b", "\x1b]0;title\x07")

    assert not {"\x1b", "\x9b", "\x07"} & set(wide.seen())


def test_a_terminal_that_is_gone_stops_nothing(wide: Terminal) -> None:
    class Gone(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return wide.stream.fileno()

        def write(self, text: str) -> int:
            raise OSError("hung up")

    with ProgressBar(Output(stderr=Gone()), 2) as bar:
        bar.advance("1/2")
        bar.advance("2/2")
