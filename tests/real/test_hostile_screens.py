"""The screens on a real terminal line, while they show the words of a hostile CA."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from tests.real.hostile_ca import HOSTILE, HOSTILE_NAME, MARKUP, refusing_ca

ROWS, COLUMNS = 24, 80
PATIENCE = 60.0
"""Seconds for one thing to be drawn; generous, because the machine may be busy."""
QUIET = 0.1
"""Seconds without output after which the next key is pressed."""
LONG = "A" * (900 * 1024)
"""With the rest of it just below the largest reply that is read to its end."""
TOO_LONG = "A" * (10 * 1024 * 1024)

SEQUENCE = re.compile(
    r"""\x1b (?:
        \[ (?P<marks>[<=>?]?) (?P<values>[0-9:;]*) (?P<final>[ -/]*[@-~])
      | \] (?P<osc>[^\x07\x1b]*) (?:\x07|\x1b\\)
      | (?P<string>[PX^_]) (?P<said>[^\x1b]*) \x1b\\
      | (?P<other>[ -/]*[0-~])
    )""",
    re.VERBOSE,
)
"""A control sequence, string or escape of ECMA-48, and xterm's commands."""
FORBIDDEN = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x202C, 0x200B)}
"""What must not be in the text between the sequences."""


class Screen:
    """The program on a terminal of 80 by 24: what it sends, and what can be seen of it."""

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


@contextmanager
def on_screen(environment: dict[str, str]) -> Iterator[Screen]:
    """The program without arguments, on a terminal of its own."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
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


def read_a_refusal(home: Path, detail: str, name: str) -> Screen:
    """Let a CA refuse a request in these words, and read them on every screen that shows them."""
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "KMTUI_DATA": str(home / "data"),
        "KMTUI_KEY_FILE": str(home / "key"),
    }

    def run(*arguments: str, code: int = 0) -> None:
        command = [sys.executable, "-m", "kmtui", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=110)
        assert done.returncode == code, done.stderr

    with refusing_ca(detail, name, registers=True) as ca:
        run("vault", "init")
        run("ca", "add", "evil", "--directory", ca.directory_url)
        run("account", "register", "a", "--ca", "evil", "--agree-tos")
        run("server", "add", "web", "--kind", "local", "--webroot", str(home))
        run("request", "new", "-d", "a.example.test", "--account", "a", "--server", "web", code=1)

    with on_screen(environment) as screen:
        screen.wait_for("a.example.test")
        screen.press("2", "failed")
        screen.press("l", "log")
        turn_the_pages(screen)
        screen.press("q", "Requests")
        screen.press("\r", "Failed")
        turn_the_pages(screen)
        screen.press("!", "Error")
        turn_the_pages(screen)
        screen.press("q", "Failed")
        screen.press("l", "log")
        turn_the_pages(screen)
        screen.press("q", "Failed")
        screen.press("q", "failed")
        screen.press("6", "Activity")
        turn_the_pages(screen)
        screen.press("\r")
        screen.press("1", "a.example.test")
        screen.press("\r", "a.example.test")
        turn_the_pages(screen)
        screen.press("q", "Certificates")
        assert screen.leave("q") == 0
    return screen


def turn_the_pages(screen: Screen) -> None:
    for key in ("\x1b[6~", "\x1b[6~", "G", "g"):
        screen.press(key)


def kind(sequence: re.Match[str]) -> str:
    """What a sequence does, without the values that tell how far or in which colour."""
    if sequence["final"]:
        modes = sequence["values"] if sequence["marks"] and sequence["final"] in "hl" else ""
        return f"CSI {sequence['marks']}{modes}{sequence['final']}"
    if sequence["osc"] is not None:
        return f"OSC {sequence['osc']}"
    return f"ESC {sequence['string'] or sequence['other']}"


def kinds(sent: str) -> set[str]:
    return {kind(sequence) for sequence in SEQUENCE.finditer(sent)}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The kinds of sequences the screens need to show a refusal in harmless words."""
    home = tmp_path_factory.mktemp("usual") / "home"
    words = "we do not issue for this name, ask somebody else " * 8
    return kinds(read_a_refusal(home, words, "a.example.test").sent)


def test_the_usual_names_the_pointer_and_no_other_command(usual: set[str]) -> None:
    commands = {one for one in usual if one.startswith(("OSC", "ESC P", "ESC X", "ESC ^", "ESC _"))}

    assert {one.partition(";")[0] for one in commands} <= {"OSC 22"}


@pytest.mark.parametrize("more", [LONG, TOO_LONG], ids=["long", "too-long"])
def test_the_terminal_gets_nothing_but_what_the_screens_draw(
    more: str, tmp_path: Path, usual: set[str]
) -> None:
    screen = read_a_refusal(tmp_path / "home", HOSTILE + more, HOSTILE_NAME)

    assert kinds(screen.sent) <= usual
    assert not (FORBIDDEN - {"\r", "\n"}) & set(SEQUENCE.sub("", screen.sent))
    if more == LONG:  # of what is too long not a word is kept
        assert any(MARKUP in " ".join(page.split()) for page in screen.pages), screen.pages[-1]
