"""Web root on this machine: challenge files for a web server that runs here."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets as random
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from kmtui.core.errors import EndServerError, InvalidInput
from kmtui.core.servers.local_host import LocalHost
from kmtui.core.servers.server import (
    PROBE,
    WELL_KNOWN,
    Handle,
    Shared,
    check_token,
    probe_address,
)
from kmtui.model import CheckLine, Field

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755
"""The web server reads as another user, so these are set in spite of our umask."""

_READ_LIMIT = 4096
"""Bytes read to see whose a file is; a key authorization is shorter than 200."""

_NO_FILE = b"\xff"
"""Read from what is no regular file; never a beginning of a key authorization, which is ASCII."""

# Symbolic links below the web root are refused: whoever may write there could point them anywhere.
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_PARTS = tuple(str(Path(*WELL_KNOWN[:depth])) for depth in range(1, len(WELL_KNOWN) + 1))
"""The directories that answers need, below the web root, outermost first."""


class WebRoot:
    """Writes ``WEBROOT/.well-known/acme-challenge/TOKEN`` and removes it again.

    A file is ours when it holds our key authorization or a beginning of it: the name is 128 random
    bits of the CA's, and a crash may have cut the writing short.
    """

    kind: ClassVar[str] = "local"
    title: ClassVar[str] = "Web root on this machine"
    notes: ClassVar[tuple[str, ...]] = (
        "A web server here must serve the web root as / of the names.",
        "Certificates can be put into directories of this machine, too.",
    )
    takes_files: ClassVar[bool] = True
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="webroot",
            label="Web root",
            required=True,
            help="directory that the web server serves as / of the name",
        ),
        PROBE,
    )

    def __init__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
    ) -> None:
        webroot = settings.get("webroot", "")
        self.webroot = Path(webroot)
        if not self.webroot.is_absolute() or "\0" in webroot:
            raise InvalidInput("the web root is not an absolute path", field="webroot")
        self.probe = probe_address(settings)
        self._made = shared.made

    @staticmethod
    def stored(settings: Mapping[str, str]) -> dict[str, str]:
        """As they are given."""
        return dict(settings)

    @staticmethod
    def where(settings: Mapping[str, str]) -> str:
        """The web root."""
        return settings.get("webroot", "")

    def host(self) -> LocalHost:
        """This machine."""
        return LocalHost()

    async def check(self) -> Sequence[CheckLine]:
        """Write and remove a file as a challenge would."""
        if not await asyncio.to_thread(self.webroot.is_dir):
            return [CheckLine(False, f"{self.webroot} is not a directory")]
        found = [CheckLine(True, f"{self.webroot} is a directory")]
        token = "kmtui-check-" + random.token_urlsafe(16)
        try:
            await self.clean_up(await self.present(token, f"{token}.check"))
        except EndServerError as exc:
            return [*found, CheckLine(False, f"{exc.message}; {exc.hint}")]
        return [*found, CheckLine(True, "challenge files can be written and removed")]

    async def intended(self, token: str, key_authorization: str) -> Handle:
        """The file, and the directories that are missing for it."""
        return {
            "token": check_token(token),
            "key_authorization": key_authorization,
            "webroot": str(self.webroot),
            "made": await asyncio.to_thread(self._missing),
        }

    async def present(
        self, token: str, key_authorization: str, noted: Handle | None = None
    ) -> Handle:
        """Write the file; raises EndServerError when the web root cannot be written."""
        made = await asyncio.to_thread(self._write, check_token(token), key_authorization)
        # A directory that an earlier run was about to make is there now, and still ours to remove.
        before = (noted or {}).get("made", ())
        return {
            "token": token,
            "key_authorization": key_authorization,
            "webroot": str(self.webroot),
            "made": [part for part in _PARTS if part in made or part in before],
        }

    async def clean_up(self, handle: Handle) -> None:
        """Remove the file, then the directories that were made for it and are empty now."""
        await asyncio.to_thread(
            self._remove,
            Path(handle.get("webroot") or self.webroot),
            check_token(handle["token"]),
            handle["key_authorization"],
            list(handle.get("made", ())),
        )

    def _missing(self) -> list[str]:
        """The directories below the web root that are not there, or are there because of us."""
        missing = []
        for part in _PARTS:
            path = self.webroot / part
            try:
                mark = (str(path), path.lstat().st_ino)
            except OSError:
                mark = None
            if mark is None or mark in self._made:
                missing.append(part)
        return missing

    def _write(self, token: str, content: str) -> list[str]:
        with self._explained(f"write challenge files below {self.webroot}"):
            # Another request may remove the empty directory between our opening and our writing.
            for attempt in range(3):
                with ExitStack() as opened, _vanishing(tolerated=attempt < 2):
                    parent, made = self._enter(opened)
                    _create(parent, token, content.encode("ascii"))
                    return made
        raise AssertionError("the last attempt returns or raises")

    def _enter(self, opened: ExitStack) -> tuple[int, list[str]]:
        """Open the challenge directory, making what is missing; also which parts kmtui made."""
        here = _open(opened, str(self.webroot), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        path, made = self.webroot, []
        for name in WELL_KNOWN:
            path /= name
            created = True
            try:
                os.mkdir(name, mode=DIRECTORY_MODE, dir_fd=here)
            except FileExistsError:
                created = False
            below = _open(opened, name, _DIRECTORY, dir_fd=here)
            mark = (str(path), os.fstat(below).st_ino)
            if created:
                os.fchmod(below, DIRECTORY_MODE)
                os.fsync(here)
                self._made.add(mark)
            if mark in self._made:
                made.append(str(path.relative_to(self.webroot)))
            here = below
        return here, made

    def _remove(self, webroot: Path, token: str, content: str, made: list[str]) -> None:
        with self._explained(f"remove the challenge file below {webroot}"), ExitStack() as opened:
            parents: list[int] = []
            # The innermost are missing where making or removing them was cut off.
            with suppress(FileNotFoundError):
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                parents.append(_open(opened, str(webroot), flags))
                for name in WELL_KNOWN:
                    parents.append(_open(opened, name, _DIRECTORY, dir_fd=parents[-1]))
            if len(parents) > len(WELL_KNOWN):
                _unlink_ours(parents[-1], token, content.encode("ascii"))
            for depth in range(len(parents) - 1, 0, -1):
                path = Path(*WELL_KNOWN[:depth])
                mark = (str(webroot / path), os.fstat(parents[depth]).st_ino)
                if str(path) in made:
                    # Not empty: another request still needs it, or it became somebody else's too.
                    with suppress(OSError):
                        os.rmdir(path.name, dir_fd=parents[depth - 1])
                        self._made.discard(mark)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise EndServerError(
                f"cannot {what}: {exc.strerror or exc}",
                hint="check that the web root exists, is no symbolic link below it, and that "
                "the user running kmtui may write there",
            ) from exc


def _open(opened: ExitStack, path: str, flags: int, *, dir_fd: int | None = None) -> int:
    """Open a directory for as long as the stack lives."""
    fd = os.open(path, flags, dir_fd=dir_fd)
    opened.callback(os.close, fd)
    return fd


@contextmanager
def _vanishing(*, tolerated: bool) -> Iterator[None]:
    """Let the caller try again when the directory went away under it."""
    try:
        yield
    except FileNotFoundError:
        if not tolerated:
            raise


def _create(parent: int, token: str, content: bytes) -> None:
    """Write the file, whole and on disk; what is there already must be ours."""
    present = _read(parent, token)
    if present == content:
        return
    if present is not None:
        _unlink_ours(parent, token, content)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(token, flags, mode=FILE_MODE, dir_fd=parent)
    try:
        os.fchmod(fd, FILE_MODE)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    os.fsync(parent)


def _unlink_ours(parent: int, token: str, content: bytes) -> None:
    present = _read(parent, token)
    if present is not None and content.startswith(present):
        os.unlink(token, dir_fd=parent)
        os.fsync(parent)


def _read(parent: int, token: str) -> bytes | None:
    """The beginning of a regular file, None when nothing is there, `_NO_FILE` for other things."""
    # O_NONBLOCK: opening a planted FIFO must not hang.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(token, flags, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENXIO):  # a symbolic link, a socket
            return _NO_FILE
        raise
    try:
        return os.read(fd, _READ_LIMIT) if stat.S_ISREG(os.fstat(fd).st_mode) else _NO_FILE
    finally:
        os.close(fd)
