"""Open SSH connections: one per login, shared by all who need it, closed when idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from kmtui.core.servers.ssh_login import SshLogin

if TYPE_CHECKING:
    from kmtui.core.addresses import Address
    from kmtui.core.servers.host_keys import HostKey
    from kmtui.core.servers.ssh_connection import SshConnection

IDLE_SECONDS = 15.0
"""Kept so long after its last use: the steps of an issuance or a deployment follow each other."""


class _Held:
    """One login's connection while it is needed."""

    def __init__(self) -> None:
        self.connection: SshConnection | None = None
        self.connecting = asyncio.Lock()
        self.users = 0
        self.timer: asyncio.TimerHandle | None = None


class SshConnections:
    """The connections of one process."""

    def __init__(self) -> None:
        self._held: dict[bytes, _Held] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def to(self, login: SshLogin) -> AsyncIterator[SshConnection]:
        """A connection, made when there is none. Raises HostKeyRefused, EndServerError."""
        held = self._held.setdefault(login.mark, _Held())
        held.users += 1
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        try:
            async with held.connecting:
                if held.connection is None or held.connection.closed:
                    held.connection = None
                    held.connection = await _connected(login)
            yield held.connection
        finally:
            held.users -= 1
            if not held.users:
                self._let_go(login.mark, held)

    async def offered_key(self, address: Address) -> HostKey:
        """The key that a server shows to whom it does not know. Raises EndServerError."""
        await _loaded()
        from kmtui.core.servers.ssh_connection import offered_key

        return await offered_key(address)

    async def close(self) -> None:
        """Close all, in use or not."""
        held, self._held = list(self._held.values()), {}
        for each in held:
            if each.timer is not None:
                each.timer.cancel()
        await asyncio.gather(*map(_close, held), *self._closing)

    def _let_go(self, mark: bytes, held: _Held) -> None:
        if held.connection is None or held.connection.closed:
            self._forget(mark, held)
        else:
            loop = asyncio.get_running_loop()
            held.timer = loop.call_later(IDLE_SECONDS, self._end, mark, held)

    def _end(self, mark: bytes, held: _Held) -> None:
        self._forget(mark, held)
        task = asyncio.get_running_loop().create_task(_close(held))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _forget(self, mark: bytes, held: _Held) -> None:
        if self._held.get(mark) is held:
            del self._held[mark]


async def _close(held: _Held) -> None:
    if held.connection is not None:
        await held.connection.close()


async def _connected(login: SshLogin) -> SshConnection:
    await _loaded()
    from kmtui.core.servers.ssh_connection import connect

    return await connect(login)


async def _loaded() -> None:
    """asyncssh takes most of a second to import: in a thread, when it is first needed."""
    await asyncio.to_thread(import_module, "kmtui.core.servers.ssh_connection")
