"""Plain HTTP/1.1 on loopback: the server under the CA, and the GET of an http-01 validation."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import h11

from kmtui.core.sandbox.streams import StreamServer, loopback_socket

MAX_BODY = 64 * 1024
IDLE = 30.0
CHUNK = 16 * 1024


@dataclass(frozen=True)
class Request:
    """One request; header names are lower case, `path` is without the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Response:
    """One response; a header may occur several times."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def json(cls, document: Any, status: int = 200, media: str = "application/json") -> Response:
        """A response with a JSON document."""
        return cls(status, json.dumps(document, indent=1).encode(), [("Content-Type", media)])

    @classmethod
    def text(cls, text: str, media: str = "text/plain; charset=utf-8") -> Response:
        """A response with text."""
        return cls(200, text.encode(), [("Content-Type", media)])


class HttpServer:
    """A server on 127.0.0.1 that hands each request to `respond`."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        self.port = 0
        self._respond = respond
        self._server = StreamServer(self._converse)

    async def start(self, port: int = 0) -> None:
        """Listen on `port` (0: a free one); OSError when it is taken."""
        sock = loopback_socket(socket.SOCK_STREAM, "127.0.0.1", port)
        self.port = sock.getsockname()[1]
        await self._server.start(sock)

    async def close(self) -> None:
        """Stop listening and end every open connection."""
        await self._server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (request := await _receive(connection, reader)) is not None:
                response = self._respond(request)
                if request.method == "HEAD":
                    response.body = b""
                _send(connection, writer, response)
                await writer.drain()
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                _send(connection, writer, Response(error.error_status_hint))


async def get(host: str, port: int, name: str, path: str, *, limit: int) -> tuple[int, bytes]:
    """GET `path` from a loopback server as if it were `name`; at most `limit` octets of the body.

    Raises OSError, TimeoutError or h11.RemoteProtocolError.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        connection = h11.Connection(h11.CLIENT)
        headers = [("Host", name), ("User-Agent", "kmtui-sandbox"), ("Connection", "close")]
        writer.write(
            connection.send(h11.Request(method="GET", target=path, headers=headers)) or b""
        )
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        status, body = 0, b""
        while len(body) < limit:
            match await _next_event(connection, reader):
                case h11.Response(status_code=status):
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage() | h11.ConnectionClosed():
                    break
        return status, body[:limit]
    finally:
        writer.close()


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head: h11.Request | None = None
    body = b""
    while True:
        match await _next_event(connection, reader):
            case h11.Request() as head:
                pass
            case h11.Data(data=data):
                body += data
                if len(body) > MAX_BODY:
                    raise h11.RemoteProtocolError("the body is too long", error_status_hint=413)
            case h11.EndOfMessage():
                assert head is not None
                return Request(
                    head.method.decode(),
                    head.target.decode("latin-1").partition("?")[0],
                    {name.decode(): value.decode("latin-1") for name, value in head.headers},
                    body,
                )
            case _:
                return None


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        async with asyncio.timeout(IDLE):
            connection.receive_data(await reader.read(CHUNK))
    return event


def _send(connection: h11.Connection, writer: asyncio.StreamWriter, response: Response) -> None:
    headers = [*response.headers, ("Content-Length", str(len(response.body)))]
    headers.append(("Date", formatdate(usegmt=True)))
    writer.write(connection.send(h11.Response(status_code=response.status, headers=headers)) or b"")
    writer.write(connection.send(h11.Data(response.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
