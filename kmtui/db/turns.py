"""Turns: several processes that write to one inventory do so one after the other.

SQLite lets a writer that finds the file busy try again, every 0.1 s in the end. One that commits
without a break is then hardly ever met at rest, and the others give up after their ten seconds.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 10.0
"""Seconds until one that waits goes on regardless: a stopped process may hold a turn for ever."""
PAUSE = 0.002
"""Seconds between two tries."""


class Turns:
    """The right to write next, by two locks: who waits for the turn holds the door meanwhile.

    Whoever just had a turn has to come through the door again, so that it never has two in a row
    while somebody waits. This is a courtesy: without it SQLite's own locks still keep the writers
    apart, and the kernel frees both locks when their holder dies.
    """

    def __init__(self, path: Path) -> None:
        """Two files beside the database at `path`, made when first needed."""
        self._paths = (path.with_name(f"{path.name}.door"), path.with_name(f"{path.name}.turn"))
        self._locks: tuple[int, ...] = ()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have a turn; waits at most `PATIENCE` seconds for it."""
        try:
            door, turn = self._locks or self._open()
        except OSError:
            yield  # No room for an empty file, say: what is written next will tell.
            return
        deadline = time.monotonic() + PATIENCE
        _lock(door, deadline)
        try:
            _lock(turn, deadline)
        finally:
            fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the files; they stay for the others."""
        for lock in self._locks:
            os.close(lock)
        self._locks = ()

    def _open(self) -> tuple[int, ...]:
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        door = os.open(self._paths[0], flags, 0o600)
        try:
            turn = os.open(self._paths[1], flags, 0o600)
        except OSError:
            os.close(door)
            raise
        self._locks = (door, turn)
        return self._locks


def _lock(lock: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return
            time.sleep(PAUSE)
        else:
            return
