"""Locks between processes: the kernel frees them when their holder dies; none goes stale."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

FOLDER = "locks"
"""Below the data directory."""
RESTORING = "restore.lock"
"""Held while a backup is put in the inventory's place."""


class FileLock:
    """A lock on one small file that names its holder; held until `release`, or until death."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock, or None while another process (or another holder in this one) has it.

        The directory is made when it is missing, the file is private to its owner. Raises OSError.
        """
        path.parent.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(path, descriptor)

    @property
    def in_place(self) -> bool:
        """Whether the locked file is still the one that others find by its path."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except OSError:
            return False

    def release(self, *, remove: bool = False) -> None:
        """Let go; with `remove` the file goes too, for a name that nobody uses again."""
        if self._descriptor < 0:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether somebody has the lock now. Raises OSError."""
    if not path.exists():
        return False
    lock = FileLock.take(path)
    if lock is not None:
        lock.release()
    return lock is None


def holder(path: Path) -> int | None:
    """The process id that took the lock last, for telling an operator; None when unknown."""
    try:
        return int(path.read_text(encoding="ascii")[:20])
    except (OSError, ValueError):
        return None
