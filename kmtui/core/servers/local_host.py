"""This machine as one that certificates are put on.

A path is the operator's: its directories may be links. Its last name is not: what stands there is
never followed when something is made, renamed or removed.
"""

from __future__ import annotations

import asyncio
import errno
import grp
import os
import pwd
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Owner, Ran, parted, passing
from kmtui.core.servers.local_command import run_command

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
PARENT_DIRECTORY = 0o755
MOST_DIGITS = 10
"""Numbers of users and groups have 32 bits."""

_MAKING = threading.Lock()

_HINTS = {
    errno.ENOENT: "make the directory first, or check how it is spelled",
    errno.EACCES: "let the user who runs kmtui write there, or run kmtui as root",
    errno.EPERM: "giving files to another user takes root: run kmtui as root",
    errno.EROFS: "the file system is mounted read-only",
    errno.ENOSPC: "make room on that file system; nothing that was there has changed",
    errno.EDQUOT: "raise the quota; nothing that was there has changed",
    errno.EISDIR: "a directory stands where a file belongs: move it away",
    errno.ENOTDIR: "a file stands where a directory belongs: move it away",
    errno.ENOTEMPTY: "it holds files that are not kmtui's",
}


class LocalHost:
    """Files through descriptors of their directories, commands through the shell."""

    where = "this machine"

    async def read(self, path: str, *, most: int) -> bytes | None:
        """The content of a regular file; a link to one counts."""
        return await asyncio.to_thread(_read, path, most)

    async def create(
        self, path: str, content: bytes, *, mode: int, owner: Owner | None = None
    ) -> None:
        """A new file in place of what a run before left there."""
        await asyncio.to_thread(_create, path, content, mode, owner or Owner())

    async def replace(self, source: str, path: str) -> None:
        """Rename over what is there; both names are on the disk when this returns."""
        await asyncio.to_thread(_replace, source, path)

    async def link(self, target: str, path: str) -> None:
        """A link under a passing name, then renamed; what is there and no link stays."""
        await asyncio.to_thread(_link, target, path)

    async def link_target(self, path: str) -> str | None:
        """Where the link leads, as it is written in it."""
        return await asyncio.to_thread(_link_target, path)

    async def make_directory(self, path: str, *, mode: int, owner: Owner | None = None) -> bool:
        """Made under a passing name, so that it has its owner and mode from the start."""
        return await asyncio.to_thread(_make_directory, path, mode, owner or Owner())

    async def entries(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return await asyncio.to_thread(_entries, path)

    async def remove(self, path: str) -> None:
        """Remove what is there, but nothing that is in it."""
        await asyncio.to_thread(_remove, path)

    async def run(self, command: str, *, seconds: float) -> Ran:
        """Run a command as `run_command` does."""
        return await run_command(command, seconds=seconds)

    async def close(self) -> None:
        """There is nothing to release."""


def _read(path: str, most: int) -> bytes | None:
    parted(path)
    with _explained(f"read {path}"):
        try:
            # O_NONBLOCK: opening a FIFO must not hang.
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise EndServerError(
                    f"{path} is no regular file", hint="move it away, or name another place"
                )
            content = file.read(most + 1)
    if len(content) > most:
        raise EndServerError(
            f"{path} is longer than {most} octets", hint="look what it is: kmtui did not write it"
        )
    return content


def _create(path: str, content: bytes, mode: int, owner: Owner) -> None:
    ids = _ids(owner)
    with _explained(f"write {path}"), _directory_of(path) as (directory, name):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(name, flags, PRIVATE_FILE, dir_fd=directory)
        try:
            with open(file, "wb") as stream:
                stream.write(content)
                stream.flush()
                # The owner first: changing it takes bits of the mode away.
                os.fchown(file, *ids)
                os.fchmod(file, mode)
                os.fsync(file)
        except OSError:
            os.unlink(name, dir_fd=directory)
            raise
        os.fsync(directory)


def _replace(source: str, path: str) -> None:
    with (
        _explained(f"rename {source} to {path}"),
        _directory_of(source) as (old_directory, old),
        _directory_of(path) as (new_directory, new),
    ):
        os.replace(old, new, src_dir_fd=old_directory, dst_dir_fd=new_directory)
        os.fsync(new_directory)
        os.fsync(old_directory)


def _link(target: str, path: str) -> None:
    with _explained(f"make the link {path}"), _directory_of(path) as (directory, name):
        if not stat.S_ISLNK(_mode(directory, name) or stat.S_IFLNK):
            raise EndServerError(
                f"{path} is there and no symbolic link", hint="move it away, then try again"
            )
        _, made = parted(passing(path))
        with suppress(FileNotFoundError):
            os.unlink(made, dir_fd=directory)
        os.symlink(target, made, dir_fd=directory)
        os.replace(made, name, src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)


def _link_target(path: str) -> str | None:
    parted(path)
    with _explained(f"read the link {path}"):
        try:
            return os.readlink(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # something else than a link
                return None
            raise


def _make_directory(path: str, mode: int, owner: Owner) -> bool:
    ids = _ids(owner)
    # One at a time: two targets may lack the same parent, which has one passing name.
    with _explained(f"make the directory {path}"), _MAKING:
        missing = [path] if not os.path.isdir(path) else []
        while missing and not os.path.isdir(parent := parted(missing[-1])[0]):
            missing.append(parent)
        for parent in reversed(missing[1:]):
            _make_one(parent, PARENT_DIRECTORY, (-1, -1))
        if missing:
            _make_one(path, mode, ids)
        return bool(missing)


def _make_one(path: str, mode: int, ids: tuple[int, int]) -> None:
    with _directory_of(path) as (directory, name):
        _, made = parted(passing(path))
        with suppress(FileNotFoundError):
            os.rmdir(made, dir_fd=directory)
        os.mkdir(made, PRIVATE_DIRECTORY, dir_fd=directory)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        inside = os.open(made, flags, dir_fd=directory)
        try:
            os.fchown(inside, *ids)
            os.fchmod(inside, mode)
        finally:
            os.close(inside)
        try:
            os.rename(made, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            os.rmdir(made, dir_fd=directory)
            raise
        os.fsync(directory)


def _entries(path: str) -> list[str]:
    with _explained(f"list {path}"):
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []


def _remove(path: str) -> None:
    with (
        _explained(f"remove {path}"),
        suppress(FileNotFoundError),
        _directory_of(path) as (directory, name),
    ):
        if stat.S_ISDIR(_mode(directory, name) or 0):
            os.rmdir(name, dir_fd=directory)
        else:
            os.unlink(name, dir_fd=directory)
        os.fsync(directory)


def _mode(directory: int, name: str) -> int | None:
    """Kind and mode of what has that name, links not followed; None when nothing has."""
    try:
        return os.lstat(name, dir_fd=directory).st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _directory_of(path: str) -> Iterator[tuple[int, str]]:
    """A descriptor of the directory that a path is in, and the path's last name."""
    directory, name = parted(path)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd, name
    finally:
        os.close(fd)


def _ids(owner: Owner) -> tuple[int, int]:
    """Numbers for chown; -1 leaves one as it is."""
    return (
        _id("user", owner.user, lambda name: pwd.getpwnam(name).pw_uid),
        _id("group", owner.group, lambda name: grp.getgrnam(name).gr_gid),
    )


def _id(what: str, word: str, find: Callable[[str], int]) -> int:
    if not word:
        return -1
    if word.isascii() and word.isdigit() and len(word) < MOST_DIGITS:
        return int(word)
    try:
        return find(word)
    except (KeyError, ValueError):
        raise EndServerError(
            f"this machine has no {what} {word}", hint=f"make the {what}, or change the owner"
        ) from None


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EndServerError(
            f"cannot {what} on this machine: {error.strerror or error}",
            hint=_HINTS.get(error.errno or 0, "try the same by hand as the user who runs kmtui"),
        ) from error
