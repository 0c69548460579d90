"""Files of a machine over SFTP (version 3), each step within a time limit and told in plain words.

OpenSSH's extensions are used where they are offered: `posix-rename@openssh.com` to replace a file
in one step, `fsync@openssh.com` to have it on the disk. There is none for directories: a power cut
on the server may take a rename back, and leaves the former file.
"""

from __future__ import annotations

import asyncio
import posixpath
import shlex
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import asyncssh
from asyncssh import SFTPAttrs
from asyncssh.sftp import start_sftp_client

from kmtui.core.errors import EndServerError
from kmtui.core.servers.ssh_command import run_command
from kmtui.core.servers.ssh_errors import lost

if TYPE_CHECKING:
    from kmtui.core.servers.ssh_connection import SshConnection

STEP_SECONDS = 30.0
"""For one step: a file of a certificate is a few KiB."""
START_SECONDS = 15.0
NAMES_LIMIT = 10_000
"""Names of one directory."""
SAID_LIMIT = 1024
"""Octets of what sudo says when it does not do it."""

PROGRAMS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/sftp-server",
)
"""Where systems keep the program that serves files; sshd itself cannot do it as another user."""

Ids: TypeAlias = tuple[int | None, int | None]
"""Numbers of a user and a group; None leaves one as it is."""

Kind: TypeAlias = Literal["file", "directory", "link", "other"]
_KINDS: dict[int, Kind] = {
    asyncssh.FILEXFER_TYPE_REGULAR: "file",
    asyncssh.FILEXFER_TYPE_DIRECTORY: "directory",
    asyncssh.FILEXFER_TYPE_SYMLINK: "link",
}

_PRIVATE_FILE = 0o600
_PRIVATE_DIRECTORY = 0o700

_HINTS: dict[type[asyncssh.SFTPError], str] = {
    asyncssh.SFTPNoSuchFile: "make the directory first, or check how it is spelled",
    asyncssh.SFTPPermissionDenied: "let the user of the login write there, or set sudo to yes",
    asyncssh.SFTPOpUnsupported: "OpenSSH's sftp-server can; this server's cannot",
    asyncssh.SFTPFailure: "the server does not say why: is its disk full, or something in the way?",
    asyncssh.SFTPConnectionLost: "the server ended its file service; its log says more",
}


class Sftp:
    """The file service of one connection. All methods raise EndServerError."""

    def __init__(self, connection: SshConnection, client: asyncssh.SFTPClient) -> None:
        self._connection = connection
        self._client = client

    @classmethod
    async def start(cls, connection: SshConnection) -> Sftp:
        """The service as the user of the login, or as root where the login says sudo."""
        start = _start_as_root if connection.login.sudo else _start
        async with _told(connection, "use files", seconds=START_SECONDS):
            return cls(connection, await start(connection))

    @property
    def lost(self) -> bool:
        """Whether nothing more can be done with it."""
        return self._connection.closed

    async def kind(self, path: str, *, follow: bool = False) -> Kind | None:
        """What is there; None when nothing is."""
        async with self._told(f"look at {path}"):
            try:
                look = self._client.stat if follow else self._client.lstat
                return _KINDS.get((await look(path)).type, "other")
            except asyncssh.SFTPNoSuchFile:
                return None
        raise AssertionError("returned or raised")

    async def is_directory(self, path: str) -> bool:
        """Whether a directory is there; a link to one counts."""
        return await self.kind(path, follow=True) == "directory"

    async def read(self, path: str, *, most: int) -> bytes | None:
        """The content of a regular file up to one octet more than `most`; None without a file."""
        # Looked at first: opening a FIFO would hang the service.
        kind = await self.kind(path, follow=True)
        if kind is None:
            return None
        if kind != "file":
            raise EndServerError(
                f"{path} is no regular file", hint="move it away, or name another place"
            )
        content = b""
        async with self._told(f"read {path}"):
            try:
                async with self._client.open(path, "rb") as file:
                    while len(content) <= most:
                        piece = await file.read(most + 1 - len(content))
                        if not piece:
                            break
                        content += cast(bytes, piece)
            except asyncssh.SFTPNoSuchFile:
                return None
        return content

    async def create(
        self, path: str, content: bytes, *, mode: int, ids: Ids = (None, None)
    ) -> bool:
        """A new file, private until it is whole; whether it was forced to the disk.

        Never follows a link, and never touches what is there: that is an error.
        """
        flushed = False
        async with self._told(f"write {path}"):
            # "x" is O_CREAT with O_EXCL, which no link gets around.
            file = await self._client.open(path, "xb", SFTPAttrs(permissions=_PRIVATE_FILE))
            try:
                async with file:
                    made = await file.stat()
                    if made.permissions is None or made.permissions & 0o077:
                        # A server need not look at the mode that a file is opened with.
                        await file.chmod(_PRIVATE_FILE)
                    await file.write(content)
                    if ids != (None, None):
                        # Before the mode: changing the owner takes bits of it away.
                        uid, gid = _complete(ids, made)
                        await file.chown(uid, gid)
                    await file.chmod(mode)
                    flushed = await _flushed(file)
            except (OSError, ValueError, asyncssh.Error):
                with suppress(OSError, ValueError, asyncssh.Error):
                    await self._client.remove(path)
                raise
        return flushed

    async def make_directory(self, path: str, *, mode: int, ids: Ids = (None, None)) -> None:
        """A new directory, private until it has its owner."""
        first = mode if ids == (None, None) else _PRIVATE_DIRECTORY
        async with self._told(f"make the directory {path}"):
            await self._client.mkdir(path, SFTPAttrs(permissions=first))
            if ids != (None, None):
                uid, gid = _complete(ids, await self._client.lstat(path))
                await self._client.chown(path, uid, gid)
            await self._client.chmod(path, mode)

    async def replace(self, source: str, path: str) -> None:
        """Rename over what is there, in one step; to a new name on servers that cannot."""
        async with self._told(f"rename {source} to {path}"):
            try:
                await self._client.posix_rename(source, path)
            except asyncssh.SFTPOpUnsupported:
                if await self._client.lexists(path):
                    raise
                await self._client.rename(source, path)

    async def link(self, target: str, path: str) -> None:
        """A new symbolic link."""
        async with self._told(f"make the link {path}"):
            await self._client.symlink(target, path)

    async def link_target(self, path: str) -> str | None:
        """Where a symbolic link leads; None when there is none."""
        if await self.kind(path) != "link":
            return None
        async with self._told(f"read the link {path}"):
            return await self._client.readlink(path)

    async def names(self, path: str) -> list[str]:
        """The names in a directory, sorted; none when it is missing."""
        found = []
        async with self._told(f"list {path}"):
            try:
                async for entry in self._client.scandir(path):
                    name = str(entry.filename)
                    # A name with a slash would lead elsewhere.
                    if name not in (".", "..") and "/" not in name:
                        found.append(name)
                    if len(found) > NAMES_LIMIT:
                        raise EndServerError(
                            f"{path} holds more than {NAMES_LIMIT} names",
                            hint="give certificates a directory of their own",
                        )
            except asyncssh.SFTPNoSuchFile:
                return []
        return sorted(found)

    async def remove(self, path: str) -> None:
        """Remove a file or a link; gone already is fine."""
        async with self._told(f"remove {path}"):
            with suppress(asyncssh.SFTPNoSuchFile):
                await self._client.remove(path)

    async def remove_directory(self, path: str) -> None:
        """Remove an empty directory; gone already is fine."""
        async with self._told(f"remove {path}"):
            with suppress(asyncssh.SFTPNoSuchFile):
                await self._client.rmdir(path)

    async def home(self) -> str:
        """Where the login starts."""
        async with self._told("look where the login starts"):
            return posixpath.normpath(await self._client.realpath("."))

    def _told(self, what: str) -> AbstractAsyncContextManager[None]:
        return _told(self._connection, what, seconds=STEP_SECONDS)


def nothing_there(error: EndServerError) -> bool:
    """Whether a step failed because nothing is at its path, or the way there is missing."""
    return isinstance(error.__cause__, asyncssh.SFTPNoSuchFile)


@asynccontextmanager
async def _told(connection: SshConnection, what: str, *, seconds: float) -> AsyncIterator[None]:
    where = connection.login.where
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        # Whoever waits behind this would wait as long: begin anew.
        connection.drop()
        raise EndServerError(
            f"cannot {what} on {where}: no answer within {seconds:g} seconds",
            hint="is the machine overloaded, or its file system stuck?",
        ) from None
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as error:
        connection.drop()
        raise lost(connection.login, what, error) from error
    except asyncssh.SFTPError as error:
        raise EndServerError(
            f"cannot {what} on {where}: {error.reason}",
            hint=_HINTS.get(type(error), "try the same by hand with sftp"),
        ) from error
    except asyncssh.ChannelOpenError as error:
        raise EndServerError(
            f"cannot {what} on {where}: it offers no SFTP ({error.reason})",
            hint="allow it there: Subsystem sftp internal-sftp in sshd_config",
        ) from error
    except (OSError, EOFError, asyncssh.Error) as error:
        connection.drop()
        raise lost(connection.login, what, error) from error
    except ValueError as error:
        connection.drop()
        raise EndServerError(
            f"cannot {what} on {where}: what answers does not speak SFTP ({error})",
            hint="start-up files of the login must print nothing; try the same by hand with sftp",
        ) from error


async def _start(connection: SshConnection) -> asyncssh.SFTPClient:
    return await connection.link.start_sftp_client(path_errors="surrogateescape")


async def _start_as_root(connection: SshConnection) -> asyncssh.SFTPClient:
    login = connection.login
    program = login.sftp_server or await _program(connection)
    writer, reader, errors = await connection.link.open_session(
        shlex.join(["sudo", "-n", "--", program]), encoding=None
    )
    try:
        # What `start_sftp_client` of a connection does, which knows only sshd's own subsystem.
        return await start_sftp_client(
            connection.link,
            asyncio.get_running_loop(),
            "replace",
            reader,
            writer,
            "utf-8",
            "surrogateescape",
            3,
        )
    except asyncssh.SFTPError as error:
        said = (await errors.read(SAID_LIMIT)).decode(errors="replace").strip()
        raise EndServerError(
            f"sudo does not start {program} on {login.where}: {said or error.reason}",
            hint=f"a file in /etc/sudoers.d with: {login.user} ALL=(root) NOPASSWD: ALL",
        ) from error


async def _program(connection: SshConnection) -> str:
    looked = "for p in " + " ".join(PROGRAMS) + '; do test -x "$p" && echo "$p" && exit; done'
    ran = await run_command(connection, looked, seconds=START_SECONDS, sudo=False)
    found = ran.output.strip()
    if found not in PROGRAMS:
        raise EndServerError(
            f"no sftp-server is found on {connection.login.where}, which sudo needs",
            hint="give its path (setting sftp_server); it comes with OpenSSH's server",
        )
    return found


async def _flushed(file: asyncssh.SFTPClientFile) -> bool:
    try:
        await file.fsync()
    except asyncssh.SFTPOpUnsupported:
        return False
    return True


def _complete(ids: Ids, there: SFTPAttrs) -> tuple[int, int]:
    """SFTP changes user and group together."""
    uid, gid = ids
    return (
        (there.uid or 0) if uid is None else uid,
        (there.gid or 0) if gid is None else gid,
    )
