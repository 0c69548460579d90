"""Entry of the program: answers ``--version`` itself and hands everything else to the commands.

Imports nothing heavy, so that the first answer comes at once; without a command not even what reads
commands, so that the screen does.
"""

from __future__ import annotations

import os
import sys

from kmtui import __version__, garbage


def main() -> None:
    """Run with the arguments of the process; ends the process."""
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # The terminal is gone. Python would fail at the same again and exit with 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run with these arguments; the exit code of the command contract."""
    if arguments[:1] == ["--version"]:
        print(f"kmtui {__version__}")  # noqa: T201 - the answer itself
        return 0
    garbage.wait()  # until the core is there
    if not arguments and sys.stdin.isatty() and sys.stdout.isatty():
        from kmtui.cli.screen import open_bare

        return open_bare()
    from kmtui.cli.main import run as run_command

    return run_command(arguments)


if __name__ == "__main__":
    main()
