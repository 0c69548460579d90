"""A machine that certificates are put on: its files and its commands, here or over SSH.

Paths are absolute and in the machine's own form. All methods raise EndServerError with what the
operator can do about it, and nothing else for what a machine or a network can do wrong; output of
commands and words of servers in it are untrusted.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Protocol

from kmtui.core.errors import EndServerError

MOST_OUTPUT = 256 * 1024
"""Octets kept of what a command says."""

_NO_PATH = re.compile("[\0\ud800-\udfff]")
"""What no machine takes in a path: the octet that ends it, and what is no character."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command."""

    code: int
    """Exit status; 128 + the signal's number when one ended it."""
    output: str
    """What it wrote to both of its outputs, in order, at most `MOST_OUTPUT`; untrusted."""

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who a file belongs to, by name or number; empty: as the machine does it."""

    user: str = ""
    group: str = ""


class Host(Protocol):
    """One machine at work; connected when first used, released by `close`."""

    @property
    def where(self) -> str:
        """The machine as an operator names it: ``deploy@web1.example.org:22``."""
        ...

    async def read(self, path: str, *, most: int) -> bytes | None:
        """The content of a regular file, None when there is nothing.

        Raises EndServerError for more than `most` octets and for what is no regular file.
        """
        ...

    async def create(
        self, path: str, content: bytes, *, mode: int, owner: Owner | None = None
    ) -> None:
        """A new file, whole and on the disk, private until it has its owner and mode.

        What is at `path` already (a file of ours that a lost connection left) is removed first; a
        symbolic link is never followed.
        """
        ...

    async def replace(self, source: str, path: str) -> None:
        """Rename over what is at `path`, in one step that nobody sees half of."""
        ...

    async def link(self, target: str, path: str) -> None:
        """A symbolic link at `path` that replaces a link there in one step."""
        ...

    async def link_target(self, path: str) -> str | None:
        """Where the symbolic link at `path` leads; None when there is none."""
        ...

    async def make_directory(self, path: str, *, mode: int, owner: Owner | None = None) -> bool:
        """Make a directory, its missing parents too; whether it was missing."""
        ...

    async def entries(self, path: str) -> list[str]:
        """The names in a directory; none when it is missing."""
        ...

    async def remove(self, path: str) -> None:
        """Remove a file, a link or an empty directory; success when it is gone."""
        ...

    async def run(self, command: str, *, seconds: float) -> Ran:
        """Run a command line as the machine's shell reads it, without input.

        It is ended when `seconds` are over, which raises EndServerError.
        """
        ...

    async def close(self) -> None:
        """Release the connection."""
        ...


def parted(path: str) -> tuple[str, str]:
    """Directory and name of a path. Raises EndServerError for one that names no place."""
    directory, name = posixpath.split(path)
    if not path.startswith("/") or name in ("", ".", "..") or _NO_PATH.search(path):
        raise EndServerError(
            f"{path!r} is not an absolute path",
            hint="it starts with a slash and ends with a name",
        )
    return directory, name


def passing(path: str) -> str:
    """Where something is made ready before it takes its name; what a crash left is used again."""
    directory, name = parted(path)
    return posixpath.join(directory, f".{name}.kmtui")
