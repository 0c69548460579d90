"""Screens kept as text, to be read and compared: what changes from run to run is evened out.

`KMTUI_GOLDENS=write` writes what is seen instead of comparing it; read the difference before it is
committed.
"""

from __future__ import annotations

import difflib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.real.screen import PATIENCE, Screen

WRITE = os.environ.get("KMTUI_GOLDENS") == "write"


def _as_wide(word: str, rest: str = ".") -> Callable[[re.Match[str]], str]:
    """Puts a word in the place of what was found, and dots as far as it reached."""
    return lambda found: word.ljust(len(found[0]), rest)[: len(found[0])]


RULES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\d{4}-\d\d-\d\d", "YYYY-MM-DD"),
    (r"\d\d-\d\d (?=\d\d:\d\d)", "MM-DD "),
    (r"\b\d\d:\d\d:\d\d\b", "hh:mm:ss"),
    (r"\b\d\d:\d\d\b", "hh:mm"),
    (r"\b\d+:\d\d\b", "m:ss"),
    (r"\b\d+\.\d+ s\b", "n.nn s"),
    (r"(?<=127\.0\.0\.1:)\d+", "port"),
    (r"(?<=/my-account/)\w+", "account"),
    (r"(?<=/acme-challenge/)\S+\n +\S+", "token"),
    (r"(?<=/acme-challenge/)\S+", "token"),
    (r"(?m)^(value +)\S+\n +\S+.*", r"\1token.thumbprint"),
    (r"(?m)^(value +)[\w-]{43}$", r"\1digest"),
    (r"\b\d+ ms\b", "n ms"),
    (r"just now|\d+ (s|min) ago", "just now"),
    (r"(?<=serial )( *)[0-9a-f]+", r"\1serial"),
    (r"\b[0-9a-f]{4,}(…|\.\.\.)[0-9a-f]{4,}\b", _as_wide("serial")),
    (r"\b[0-9a-f]{24,}\b", _as_wide("fingerprint")),
    (r"(?<=Pebble Root CA )[0-9a-f]+", "number"),
    (r"(?<=Pebble Intermediate CA )[0-9a-f]+", "number"),
    (r"(?m)(?<=^Thumbprint )( +)\S+", r"\1thumbprint"),
    (r"(?m) +\S+@\S+ (RW|RO|LOCKED)$", r"  ops@host \1"),
    (r"(?m)^ops@(?!example).*", "ops@host"),
    (r"\bops@(?!example)\S+ *", _as_wide("ops@host", " ")),
    (r"\buid \d+, sudo ops *", _as_wide("uid 0, sudo ops", " ")),
    (r"(?m)^  Data: .*", "  Data: directory"),
)
"""What changes, and what stands for it: as wide where a column follows."""


def evened(text: str) -> str:
    """The screen with a word for everything that is another in each run."""
    for pattern, word in RULES:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n") + "\n"


class Goldens:
    """The screens of one walk, numbered in the order they are looked at."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen = 0
        if WRITE:
            for former in directory.glob("*.txt"):
                former.unlink()

    def keep(self, screen: Screen, name: str, *, leaving_out: str = "") -> None:
        """Hold what is to be seen now to what was kept under this name; wait until it is the same.

        `leaving_out` is a pattern of what is not looked at.
        Raises AssertionError with the difference.
        """

        def seen() -> str:
            text = screen.text + "\n"
            return evened(re.sub(leaving_out, "", text) if leaving_out else text)

        self._seen += 1
        path = self._directory / f"{self._seen:02}-{name}.txt"
        if WRITE:
            screen.rest(2.0)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(seen(), encoding="utf-8")
            return
        kept = path.read_text(encoding="utf-8")
        deadline = time.monotonic() + PATIENCE
        while (now := seen()) != kept:
            assert time.monotonic() < deadline, _difference(kept, now, path.name)
            screen.rest(0.1)

    def all_seen(self) -> None:
        """Nothing is kept that no step of the walk shows."""
        kept = len(list(self._directory.glob("*.txt")))
        assert kept == self._seen, (
            f"{kept} screens are kept in {self._directory}, {self._seen} seen"
        )


def _difference(kept: str, seen: str, name: str) -> str:
    lines = difflib.unified_diff(
        kept.splitlines(), seen.splitlines(), f"kept {name}", "seen", lineterm="", n=30
    )
    return "\n".join(["KMTUI_GOLDENS=write writes the screens anew", *lines])
