"""The bar of a batch: one line that is rewritten on a terminal, and nothing anywhere else."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest

from kmtui.cli.output import Output
from kmtui.cli.progressbar import ProgressBar


class Terminal(io.StringIO):
    """Text on its way to a terminal of so many columns."""

    def __init__(self, columns: int, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._slave

    def seen(self) -> str:
        """What came since the last look."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)
        super().close()


class Gone(Terminal):
    """A terminal that was hung up."""

    def write(self, text: str) -> int:
        raise OSError("hung up")


def terminal(columns: int, encoding: str = "utf-8") -> Iterator[Terminal]:
    with Terminal(columns, encoding) as stream:
        yield stream


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
    with ProgressBar(Output(stderr=wide), 2) as bar:
        assert wide.seen() == "\r" + "░" * 30 + " 0/2"
        bar.advance("1/2 available www.example.org", "1 available")
        assert wide.seen() == (
            "\r" + " " * 34 + "\r1/2 available www.example.org\n"
            "\r" + "█" * 15 + "░" * 15 + " 1/2 1 available"
        )

    assert wide.seen() == "\r" + " " * 46 + "\r"


def test_a_terminal_without_blocks_gets_plain_signs(ascii_only: Terminal) -> None:
    with ProgressBar(Output(stderr=ascii_only), 3) as bar:
        bar.advance("1/3 available www.example.org")

        assert ascii_only.seen().endswith("##########-------------------- 1/3")


@pytest.mark.parametrize("columns", [1, 5, 8, 12, 20, 33, 47])
def test_no_line_reaches_the_last_column(columns: int) -> None:
    for narrow in terminal(columns):
        with ProgressBar(Output(stderr=narrow), 100) as bar:
            bar.advance("x", "1 available, 1 failed")
            drawn = narrow.seen().replace("\n", "\r").split("\r")

        assert max(len(line.rstrip()) for line in drawn) < max(columns, 2)


def test_foreign_text_brings_no_control_characters(wide: Terminal) -> None:
    with ProgressBar(Output(stderr=wide), 1) as bar:
        bar.advance("1/1 failed \x1b[2Jx\r\x9b", "\x1b]0;title\x07")

    assert not {"\x1b", "\x9b", "\x07"} & set(wide.seen())


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    with Gone(60) as gone, ProgressBar(Output(stderr=gone), 2) as bar:
        bar.advance("1/2")
        bar.advance("2/2")
