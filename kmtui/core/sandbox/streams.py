"""A TCP server whose open conversations end when it closes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class StreamServer:
    """Runs `converse` for each connection; a peer that goes away or falls silent ends it."""

    def __init__(self, converse: Converse) -> None:
        self._converse = converse
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self, sock: socket.socket) -> None:
        """Accept connections on a bound socket, which is closed with the server."""
        self._server = await asyncio.start_server(self._accept, sock=sock)

    async def close(self) -> None:
        """Stop listening, break every connection off and wait for its conversation to end."""
        self._server.close()
        # Not task.cancel(): asyncio.start_server reports a cancelled conversation as an error.
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            del self._open[task]
            writer.close()


def loopback_socket(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    """A socket bound to that address (port 0: a free one); OSError when it is taken."""
    # asyncio sets TCP_NODELAY only where the socket names its protocol; without, every answer in
    # two parts waits 40 ms for a delayed acknowledgement.
    protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    opened = socket.socket(socket.AF_INET, kind, protocol)
    try:
        if kind == socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setblocking(False)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
