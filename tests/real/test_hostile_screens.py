"""The screens on a real terminal line, while they show the words of a hostile CA."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.hostile_ca import HOSTILE, HOSTILE_NAME, MARKUP, refusing_ca
from tests.real.screen import Screen, on_screen

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
