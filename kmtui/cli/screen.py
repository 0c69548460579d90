"""The way from a command line to the screen."""

from __future__ import annotations

import os
import sys

from kmtui.cli.passphrases import read_passphrase
from kmtui.config import Options, gather, harden_process
from kmtui.core.errors import InvalidInput, KmtuiError
from kmtui.text import Secret


def open_bare() -> int:
    """Run the screen as the environment says: the way of ``kmtui`` without arguments."""
    harden_process()
    try:
        return open_screen(gather(os.environ))
    except KmtuiError as error:
        from kmtui.cli.output import Output

        Output(json=False).error(error)
        return error.exit_code


def open_screen(options: Options, *, demo: bool = False) -> int:
    """Run the screen until it is left; its exit code. Raises InvalidInput without a terminal."""
    if options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput(
            "the screen needs a terminal", hint="give a command; kmtui --help lists them"
        )
    from kmtui.app import run_screen

    source = options.passphrase_fd if options.passphrase_file is None else options.passphrase_file
    passphrase = None if source is None else Secret(read_passphrase(source))
    return run_screen(options, demo=demo, passphrase=passphrase)
