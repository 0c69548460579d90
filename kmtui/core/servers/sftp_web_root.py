"""Web root on another machine: challenge files over SFTP.

As the web root on this machine, but SFTP cannot hold a directory while working in it: each one
below the web root is looked at before it is entered, and refused when it is a symbolic link.
Whoever may write to the web root can still exchange one in between; what goes astray then is one
file with a random name and nothing secret in it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from kmtui.core.errors import EndServerError
from kmtui.core.servers.server import WELL_KNOWN
from kmtui.core.servers.sftp import Kind, Sftp, nothing_there

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755
"""The web server reads as another user."""

PARTS = tuple(posixpath.join(*WELL_KNOWN[:depth]) for depth in range(1, len(WELL_KNOWN) + 1))
"""The directories that answers need, below the web root, outermost first."""

_READ_LIMIT = 4096
"""Octets read to see whose a file is; a key authorization is shorter than 200."""
_NO_FILE = b"\xff"
"""For what is no regular file; never a beginning of a key authorization, which is ASCII."""
_ATTEMPTS = 5


class SftpWebRoot:
    """``WEBROOT/.well-known/acme-challenge/TOKEN``. Its methods raise EndServerError.

    A file is ours when it holds our key authorization or a beginning of it: the name is 128 random
    bits of the CA's, and a lost connection may have cut the writing short. It is written under its
    own name, which must be free: a rename could replace what another program put there meanwhile,
    and nobody asks for the file before it is whole.
    """

    def __init__(
        self, files: Sftp, webroot: str, *, where: str, made: set[tuple[str, int]]
    ) -> None:
        """`made` are the directories of this process, by machine and path."""
        self._files = files
        self._webroot = webroot
        self._where = where
        self._made = made

    async def missing(self) -> list[str]:
        """The directories that are not there, or are there because of us."""
        return [
            part
            for part in PARTS
            if self._mark(part) in self._made or await self._files.kind(self._path(part)) is None
        ]

    def made(self) -> list[str]:
        """The directories that are there because of this process."""
        return [part for part in PARTS if self._mark(part) in self._made]

    async def write(self, token: str, content: bytes) -> None:
        """Write the file, whole; what is there already must be ours."""
        path = self._path(PARTS[-1], token)
        for left in reversed(range(_ATTEMPTS)):
            try:
                await self._enter()
                await self._put(path, content)
                return
            except EndServerError as error:
                # Another request may remove the empty directories between any two steps.
                if not left or not nothing_there(error):
                    raise

    async def remove(self, token: str, content: bytes, made: Collection[str]) -> None:
        """Remove the file if it is ours, then the directories of `made` that are empty now."""
        found = []
        for part in PARTS:
            kind = await self._files.kind(self._path(part))
            if kind is None:
                break  # making or removing them was cut off
            self._require_directory(part, kind)
            found.append(part)
        if len(found) == len(PARTS):
            path = self._path(PARTS[-1], token)
            there = await self._content(path)
            if there is not None and content.startswith(there):
                await self._files.remove(path)
        for part in reversed(found):
            if part not in made:
                continue
            try:
                await self._files.remove_directory(self._path(part))
            except EndServerError:
                if self._files.lost:
                    raise
                return  # not empty: another request needs it, or it became somebody else's too
            self._made.discard(self._mark(part))

    async def _enter(self) -> None:
        """Make the directories that are missing."""
        for part in PARTS:
            path = self._path(part)
            kind = await self._files.kind(path)
            if kind is None:
                kind = await self._make(part)
            self._require_directory(part, kind)

    async def _put(self, path: str, content: bytes) -> None:
        for again in (True, False):
            try:
                await self._files.create(path, content, mode=FILE_MODE)
                return
            except EndServerError:
                there = await self._content(path)
                if there == content:
                    return
                if there is None or not again:
                    raise
                await self._remove_ours(path, there, content)

    async def _make(self, part: str) -> Kind:
        path = self._path(part)
        try:
            await self._files.make_directory(path, mode=DIRECTORY_MODE)
        except EndServerError:
            # Another request was quicker, or it cannot be made.
            kind = await self._files.kind(path)
            if kind is None:
                raise
            return kind
        self._made.add(self._mark(part))
        return "directory"

    async def _remove_ours(self, path: str, there: bytes, content: bytes) -> None:
        """Make room for the file when a beginning of it is there."""
        if not content.startswith(there):
            raise EndServerError(
                f"{path} on {self._where} is there already, and not kmtui's",
                hint="look what wrote it: a challenge file has a name nobody can guess",
            )
        await self._files.remove(path)

    async def _content(self, path: str) -> bytes | None:
        kind = await self._files.kind(path)
        if kind is None:
            return None
        return await self._files.read(path, most=_READ_LIMIT) if kind == "file" else _NO_FILE

    def _require_directory(self, part: str, kind: Kind) -> None:
        if kind != "directory":
            raise EndServerError(
                f"{self._path(part)} on {self._where} is "
                + ("a symbolic link" if kind == "link" else "no directory"),
                hint="challenge files need a directory of their own below the web root: whoever "
                "may write there could point a link anywhere",
            )

    def _path(self, *parts: str) -> str:
        return posixpath.join(self._webroot, *parts)

    def _mark(self, part: str) -> tuple[str, int]:
        # SFTP tells no inode.
        return f"{self._where}{self._path(part)}", 0
