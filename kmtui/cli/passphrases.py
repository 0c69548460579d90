"""Where a passphrase comes from: a private file, a descriptor, or somebody at the terminal.

Never an argument or a variable: both can be read by others.
"""

from __future__ import annotations

import getpass
import os
import signal
import stat
import sys
from pathlib import Path

from kmtui.core.errors import InvalidInput, VaultError

LONGEST = 4096
"""Bytes read of a file or descriptor."""


def read_passphrase(source: Path | int) -> bytes:
    """The passphrase in a file (read by its owner alone) or descriptor, without its line end.

    Raises VaultError.
    """
    try:
        # O_NONBLOCK: a FIFO nobody writes to must not hang us before its kind is seen.
        file = source if isinstance(source, int) else os.open(source, os.O_RDONLY | os.O_NONBLOCK)
        with open(file, "rb") as stream:
            if isinstance(source, Path):
                _refuse_if_shared(source, os.fstat(stream.fileno()))
            content = stream.read(LONGEST)
    except OSError as exc:
        name = f"descriptor {source}" if isinstance(source, int) else str(source)
        raise VaultError(f"cannot read the passphrase from {name}: {exc.strerror}") from exc
    passphrase = content.removesuffix(b"\n").removesuffix(b"\r")
    if not passphrase:
        raise VaultError("the passphrase given is empty")
    return passphrase


def can_ask() -> bool:
    """Whether somebody at a terminal can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_passphrase(prompt: str) -> bytes:
    """What is typed, unseen. Blocks; Ctrl-C raises KeyboardInterrupt."""
    # An event loop's own handler would only note the signal and leave the prompt standing.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass.getpass(prompt, stream=sys.stderr).encode()
    except EOFError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


def ask_new_passphrase() -> bytes:
    """A new passphrase, typed twice. Raises InvalidInput when the two differ."""
    first = ask_passphrase("New passphrase: ")
    if first != ask_passphrase("Once more: "):
        raise InvalidInput("the two passphrases differ", field="passphrase")
    return first


def _refuse_if_shared(path: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode) and (
        found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o077
    ):
        raise VaultError(
            f"others may read the passphrase file {path}", hint=f"chmod 600 {path}, owned by you"
        )
