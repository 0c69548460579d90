"""Who works on what: each process has a name in the inventory and a lock that tells it is alive.

A request that is worked on carries its owner's name. When the owner dies, however hard, the kernel
frees its lock, and whoever looks next may take the request over at once.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from kmtui.core.locks import FOLDER, FileLock

_NAME = re.compile(r"(\d{1,10})-[0-9a-f]{16}")


class Owners:
    """This process's name, and whether that of another one is still alive."""

    def __init__(self, directory: Path, me: str, lock: FileLock | None) -> None:
        self.directory = directory
        """Where the locks between processes are."""
        self.me = me
        self._lock = lock

    @classmethod
    def open(cls, data: Path) -> Owners:
        """Take a name that nobody had before. Raises OSError. Names of the dead are removed."""
        directory = data / FOLDER
        lock = None
        # Another process that sweeps may hold or remove the file before it is locked: again then.
        while lock is None or not lock.in_place:
            me = f"{os.getpid()}-{secrets.token_hex(8)}"
            lock = FileLock.take(directory / f"{me}.owner")
        owners = cls(directory, me, lock)
        for path in directory.glob("*.owner"):
            owners.alive(path.stem)
        return owners

    @classmethod
    def onlooker(cls, data: Path) -> Owners:
        """For a process that only looks: it owns nothing."""
        return cls(data / FOLDER, "", None)

    def alive(self, name: str | None) -> bool:
        """Whether the process of that name still runs; a dead one's file is removed."""
        if not name or _NAME.fullmatch(name) is None:
            return False
        if name == self.me:
            return True
        path = self.directory / f"{name}.owner"
        if not path.exists():
            return False
        try:
            lock = FileLock.take(path)
        except OSError:
            return False
        if lock is None:
            return True
        lock.release(remove=True)
        return False

    def close(self) -> None:
        """Give the name up."""
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release(remove=True)


def described(name: str | None) -> str:
    """The owner as an operator reads it: ``process 4711``."""
    found = _NAME.fullmatch(name or "")
    return f"process {found[1]}" if found else "nobody"
