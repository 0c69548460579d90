"""The way from a command line to the screen."""

from __future__ import annotations

import sys

from kmtui.config import Options
from kmtui.core.errors import InvalidInput


def open_screen(options: Options, *, demo: bool = False) -> int:
    """Run the screen until it is left; its exit code. Raises InvalidInput without a terminal."""
    if options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput(
            "the screen needs a terminal", hint="give a command; kmtui --help lists them"
        )
    from kmtui.app import run_screen

    return run_screen(options, demo=demo)
