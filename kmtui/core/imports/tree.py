"""Files below a directory of somebody else's: read within limits, and never from outside it."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from kmtui.core import inspection
from kmtui.core.errors import InvalidInput

FIELD = "path"
"""The argument and form field that a place is given in."""
MOST_OCTETS = inspection.MAX_PEM
"""Of one file."""
MOST_FILES = 1_000_000
"""Files and directories seen in one tree: 100,000 certificates of certbot are 600,000."""
MOST_LINKS = 16
"""Symbolic links on the way to one file."""

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""Without waiting: a FIFO in the place of a file must not hang us before its kind is seen."""


class Entry(NamedTuple):
    """A name in a directory."""

    name: str
    kind: str
    """`file`, `directory`, `link` or `other`."""


class Tree:
    """A directory, opened once. Paths within are relative to it, with slashes.

    Links are followed where they lead to something within: as certbot has them, also absolute ones.
    Every step is opened by itself, so that nobody can exchange one for a link meanwhile.
    """

    def __init__(self, root: Path) -> None:
        """Raises InvalidInput (field ``path``)."""
        self.root = root
        self._left = MOST_FILES
        self._listed: dict[str, list[Entry]] = {}
        """What was seen in directories: looking again costs and counts nothing."""
        try:
            self._real = os.path.realpath(root)
            self._directory = os.open(self._real, _OPEN | os.O_DIRECTORY)
        except OSError as error:
            raise InvalidInput(f"cannot read {root}: {error.strerror}", field=FIELD) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._directory)

    def shown(self, path: str) -> str:
        """The path as an operator knows it."""
        return str(self.root / path)

    def entries(self, path: str = "") -> list[Entry]:
        """What is in a directory, by name; nothing where there is none. Raises InvalidInput."""
        if path in self._listed:
            return self._listed[path]
        try:
            with self._opened(path) as file, os.scandir(file) as found:
                entries = sorted(Entry(each.name, _kind(each)) for each in found)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._count(len(entries))
        self._listed[path] = entries
        return entries

    def names(self, path: str = "", *, kind: str = "") -> list[str]:
        """The names in a directory, of one kind or all."""
        return [name for name, found in self.entries(path) if kind in ("", found)]

    def read(self, path: str) -> bytes | None:
        """A file's content; None where there is none. Raises InvalidInput, also when too large."""
        if path.rpartition("/")[0] not in self._listed:
            self._count(1)
        try:
            with self._opened(path) as file:
                return read_limited(file, self.shown(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unreadable(path, error) from error

    def text(self, path: str) -> str | None:
        """As `read`, as text; what is no UTF-8 is replaced."""
        content = self.read(path)
        return None if content is None else content.decode("utf-8", "replace")

    def link(self, path: str) -> str:
        """Where a link says that it leads; empty where there is no link. Not followed."""
        folder, _, name = path.rpartition("/")
        try:
            with self._opened(folder) as file:
                return os.readlink(name, dir_fd=file)
        except OSError:
            return ""

    def _count(self, more: int) -> None:
        self._left -= more
        if self._left < 0:
            raise InvalidInput(
                f"{self.root} holds more than {MOST_FILES:,} files",
                field=FIELD,
                hint="name the directories in it that hold certificates",
            )

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """A descriptor of what is there. Raises OSError, InvalidInput for a way that leads out."""
        way = deque(path.split("/"))
        opened = [os.dup(self._directory)]
        links = 0
        try:
            while way:
                step = way.popleft()
                if step in ("", "."):
                    continue
                if step == "..":
                    if len(opened) == 1:
                        raise self._outside(path)
                    os.close(opened.pop())
                    continue
                try:
                    opened.append(os.open(step, _OPEN | os.O_NOFOLLOW, dir_fd=opened[-1]))
                except OSError as error:
                    if error.errno != errno.ELOOP or links == MOST_LINKS:
                        raise
                    links += 1
                    target = os.readlink(step, dir_fd=opened[-1])
                    if target.startswith("/"):
                        target = self._within(target, path)
                        while len(opened) > 1:
                            os.close(opened.pop())
                    way.extendleft(reversed(target.split("/")))
            yield opened[-1]
        finally:
            for file in opened:
                os.close(file)

    def _within(self, target: str, path: str) -> str:
        """An absolute target as seen from here. Raises InvalidInput for one outside."""
        for root in (self._real, os.path.abspath(self.root)):
            if target == root or target.startswith(f"{root}/"):
                return target[len(root) :]
        raise self._outside(path)

    def _outside(self, path: str) -> InvalidInput:
        return InvalidInput(
            f"{self.shown(path)} is a link that leads out of {self.root}",
            field=FIELD,
            hint="name the file itself, or the directory that holds both",
        )

    def _unreadable(self, path: str, error: OSError) -> InvalidInput:
        return InvalidInput(f"cannot read {self.shown(path)}: {error.strerror}", field=FIELD)


def read_limited(file: int, shown: str) -> bytes:
    """What a descriptor of a regular file gives, up to the limit. Raises InvalidInput, OSError."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise InvalidInput(f"{shown} is not a regular file", field=FIELD)
    content = bytearray()
    while len(content) <= MOST_OCTETS and (part := os.read(file, MOST_OCTETS + 1 - len(content))):
        content += part
    if len(content) > MOST_OCTETS:
        raise InvalidInput(
            f"{shown} is larger than {MOST_OCTETS // 1024} KiB: too large for certificates",
            field=FIELD,
        )
    return bytes(content)


def read_file(path: Path) -> bytes:
    """A file that an operator named; a link is followed. Raises InvalidInput (field ``path``)."""
    try:
        file = os.open(path, _OPEN)
        try:
            return read_limited(file, str(path))
        finally:
            os.close(file)
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", field=FIELD) from error
    except ValueError as error:  # a zero octet
        raise InvalidInput(f"{str(path)!r} names no file", field=FIELD) from error


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
