"""An SSH server as a machine that certificates are put on.

As on this machine, directories of a path may be links, and its last name is never followed. What
SFTP cannot do is to hold a directory while working in it: whoever may rename the directories of a
path can have files made elsewhere, as root under sudo. Certificates belong where only root writes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Owner, Ran, parted, passing
from kmtui.core.servers.ssh_connections import SshConnections
from kmtui.core.servers.ssh_login import SshLogin

if TYPE_CHECKING:
    from kmtui.core.servers.sftp import Ids, Sftp
    from kmtui.core.servers.ssh_connection import SshConnection

PARENT_DIRECTORY = 0o755
LOOK_UP_SECONDS = 15.0
"""For the number of a user or group, which a directory service may have to be asked for."""

_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@$-]{0,63}")
_NUMBER = re.compile(r"[0-9]{1,9}")


class SshHost:
    """Files over SFTP, commands over the same connection."""

    def __init__(self, login: SshLogin, connections: SshConnections) -> None:
        self._login = login
        self._connections = connections
        self._numbers: dict[str, int] = {}
        """What ``id`` and ``getent`` said."""

    @property
    def where(self) -> str:
        """``deploy@web1.example.org:22``."""
        return self._login.where

    async def read(self, path: str, *, most: int) -> bytes | None:
        """The content of a regular file; a link to one counts."""
        parted(path)
        async with self._files() as files:
            content = await files.read(path, most=most)
        if content is not None and len(content) > most:
            raise EndServerError(
                f"{path} is longer than {most} octets",
                hint="look what it is: kmtui did not write it",
            )
        return content

    async def create(
        self, path: str, content: bytes, *, mode: int, owner: Owner | None = None
    ) -> None:
        """A new file in place of what a run before left there."""
        parted(path)
        async with self._connection() as connection:
            ids = await self._ids(connection, owner)
            files = await connection.files()
            await files.remove(path)
            await files.create(path, content, mode=mode, ids=ids)

    async def replace(self, source: str, path: str) -> None:
        """Rename over what is there."""
        for each in (source, path):
            parted(each)
        async with self._files() as files:
            await files.replace(source, path)

    async def link(self, target: str, path: str) -> None:
        """A link under a passing name, then renamed; what is there and no link stays."""
        made = passing(path)
        async with self._files() as files:
            if await files.kind(path) is not None and await files.link_target(path) is None:
                raise EndServerError(
                    f"{path} is there and no symbolic link", hint="move it away, then try again"
                )
            await files.remove(made)
            await files.link(target, made)
            await files.replace(made, path)

    async def link_target(self, path: str) -> str | None:
        """Where the link leads, as it is written in it."""
        parted(path)
        async with self._files() as files:
            return await files.link_target(path)

    async def make_directory(self, path: str, *, mode: int, owner: Owner | None = None) -> bool:
        """Made under a passing name, so that it has its owner and mode from the start."""
        parted(path)
        async with self._connection() as connection, connection.making:
            files = await connection.files()
            missing: list[str] = []
            here = path
            while not await files.is_directory(here):
                missing.append(here)
                here, _ = parted(here)
            for parent in reversed(missing[1:]):
                await _make_one(files, parent, PARENT_DIRECTORY, (None, None))
            if missing:
                await _make_one(files, path, mode, await self._ids(connection, owner))
        return bool(missing)

    async def entries(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        async with self._files() as files:
            return await files.names(path)

    async def remove(self, path: str) -> None:
        """Remove what is there, but nothing that is in it."""
        parted(path)
        async with self._files() as files:
            if await files.is_directory(path) and await files.link_target(path) is None:
                await files.remove_directory(path)
            else:
                await files.remove(path)

    async def run(self, command: str, *, seconds: float) -> Ran:
        """Run a command, as root where the login says sudo."""
        async with self._connection() as connection:
            return await connection.run(command, seconds=seconds)

    async def close(self) -> None:
        """Nothing is held: the connection is shared, and closed when nobody has used it a while."""

    def _connection(self) -> AbstractAsyncContextManager[SshConnection]:
        return self._connections.to(self._login)

    @asynccontextmanager
    async def _files(self) -> AsyncIterator[Sftp]:
        async with self._connection() as connection:
            yield await connection.files()

    async def _ids(self, connection: SshConnection, owner: Owner | None) -> Ids:
        """Numbers for SFTP, which knows no names."""
        if owner is None:
            return None, None
        return (
            await self._number(connection, "user", owner.user),
            await self._number(connection, "group", owner.group),
        )

    async def _number(self, connection: SshConnection, what: str, word: str) -> int | None:
        if not word:
            return None
        if _NUMBER.fullmatch(word):
            return int(word)
        known = f"{what} {word}"
        if known not in self._numbers:
            self._numbers[known] = await self._looked_up(connection, what, word)
        return self._numbers[known]

    async def _looked_up(self, connection: SshConnection, what: str, word: str) -> int:
        database = {"user": "passwd", "group": "group"}[what]
        name = shlex.quote(word)
        said = ""
        if _NAME.fullmatch(word):
            ran = await connection.run(
                f"getent {database} {name} || grep -F {name}: /etc/{database}",
                seconds=LOOK_UP_SECONDS,
            )
            said = ran.output
        for line in said.splitlines():
            # passwd(5), group(5): name, password, number
            fields = line.split(":")
            if fields[0] == word and len(fields) > 2 and _NUMBER.fullmatch(fields[2]):
                return int(fields[2])
        raise EndServerError(
            f"{self.where} has no {what} {word}",
            hint=f"make the {what} there, give its number, or change the owner",
        )


async def _make_one(files: Sftp, path: str, mode: int, ids: Ids) -> None:
    made = passing(path)
    await files.remove_directory(made)
    await files.make_directory(made, mode=mode, ids=ids)
    try:
        await files.replace(made, path)
    except EndServerError:
        await files.remove_directory(made)
        raise
