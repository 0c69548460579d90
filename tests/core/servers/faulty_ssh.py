"""An SSH server that does on purpose what real ones do at the wrong moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import asyncssh

Exec = Callable[[asyncssh.SSHServerProcess[bytes]], Coroutine[Any, Any, None]]


async def succeed(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """A command that has nothing to say."""
    process.exit(0)


@dataclass
class Faults:
    """What goes wrong, from now on."""

    cut_after: int | None = None
    """Octets of written files after which every connection is lost."""
    stall: bool = False
    """Whether file requests are never answered."""
    open_modes: bool = True
    """Whether the mode that a file is opened with is looked at."""
    posix_rename: bool = True
    fsync: bool = True
    full: str = ""
    """What is said instead of writing."""
    run: Exec = succeed
    written: int = field(default=0, init=False)
    modes: list[int] = field(default_factory=list, init=False)
    """Modes of files at the moment they were written to."""


class FaultySsh:
    """At 127.0.0.1 and `port`, for user ``deploy`` with the password ``open sesame``."""

    def __init__(self, *, banner: str = "") -> None:
        self.faults = Faults()
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.tried: list[str] = []
        """Passwords that were offered."""
        self._banner = banner
        self._key = asyncssh.generate_private_key("ssh-ed25519")

    def settings(self, **others: str) -> dict[str, str]:
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": "deploy",
            "host_key": self._key.get_fingerprint(),
            **others,
        }

    secrets = {"password": "open sesame"}  # noqa: RUF012 - never changed

    @property
    def port(self) -> int:
        return self._acceptor.get_port()

    async def drop(self) -> None:
        """Lose every connection."""
        for connection in self.connections:
            connection.abort()

    async def __aenter__(self) -> Self:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self._key],
            server_factory=lambda: _Door(self, self._banner),
            sftp_factory=lambda channel: _Files(channel, self),
            process_factory=lambda process: self.faults.run(process),
            encoding=None,
            config=None,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.drop()
        self._acceptor.close()
        await self._acceptor.wait_closed()


class _Door(asyncssh.SSHServer):
    def __init__(self, server: FaultySsh, banner: str) -> None:
        self._server = server
        self._banner = banner

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        if self._banner:
            self._connection.send_auth_banner(self._banner)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._server.tried.append(password)
        return (username, password) == ("deploy", FaultySsh.secrets["password"])


class _Files(asyncssh.SFTPServer):
    """The files of this machine, with faults."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], server: FaultySsh) -> None:
        super().__init__(channel)
        self._server = server

    @property
    def _faults(self) -> Faults:
        return self._server.faults

    async def lstat(self, path: bytes) -> os.stat_result:  # type: ignore[override]
        if self._faults.stall:
            await asyncio.Event().wait()
        return super().lstat(path)  # type: ignore[return-value]

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        wanted = attrs if self._faults.open_modes else asyncssh.SFTPAttrs(permissions=0o644)
        return super().open(path, pflags, wanted)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:  # type: ignore[override]
        faults = self._faults
        faults.modes.append(os.fstat(file_obj.fileno()).st_mode & 0o777)  # type: ignore[attr-defined]
        if faults.full:
            raise asyncssh.SFTPFailure(faults.full)
        if faults.cut_after is not None and faults.written + len(data) > faults.cut_after:
            part = data[: faults.cut_after - faults.written]
            super().write(file_obj, offset, part)
            file_obj.flush()  # type: ignore[attr-defined]
            await self._server.drop()
            await asyncio.Event().wait()
        faults.written += len(data)
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if not self._faults.posix_rename:
            raise asyncssh.SFTPOpUnsupported("not here")
        super().posix_rename(oldpath, newpath)

    def fsync(self, file_obj: object) -> None:
        if not self._faults.fsync:
            raise asyncssh.SFTPOpUnsupported("not here")
        super().fsync(file_obj)
