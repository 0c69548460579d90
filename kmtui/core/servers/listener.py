"""A listener: the smallest HTTP/1.1 server that can answer http-01 (RFC 8555 section 8.3).

It answers GET and HEAD for the tokens it was given and knows nothing else. A listener runs while it
has answers: requests that work at the same time share the one on their address.
"""

from __future__ import annotations

import asyncio
import errno
import os
from http import HTTPStatus

from kmtui.core.addresses import Address
from kmtui.core.errors import EndServerError

PATH = "/.well-known/acme-challenge/"

HEAD_LIMIT = 8192
"""Bytes of request line and headers."""
PATIENCE = 10.0
"""Seconds for one whole exchange; CAs give up at about ten."""
CONNECTION_LIMIT = 64
"""Connections at a time; a CA opens one per name and vantage point."""

_REDIRECT_HINT = (
    f"listen on a port above 1023 and let the web server or firewall pass port 80's {PATH} on to it"
)
_BIND_ERRORS = {
    errno.EADDRINUSE: (
        "{address} is already in use",
        "stop what listens there, use a web root of that server, or " + _REDIRECT_HINT,
    ),
    errno.EACCES: (
        "not allowed to listen on {address}",
        "allow it (setcap cap_net_bind_service=+ep on the Python binary, or "
        "AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit), or " + _REDIRECT_HINT,
    ),
    errno.EADDRNOTAVAIL: (
        "this machine has no address {address}",
        "use :PORT to listen on every address",
    ),
}


class Listeners:
    """The running listeners of one process, one per address."""

    def __init__(self) -> None:
        self._running: dict[Address, Listener] = {}
        self._lock = asyncio.Lock()

    async def add(self, address: Address, token: str, key_authorization: str) -> None:
        """Answer for a token; starts the listener when it is the first. Raises EndServerError."""
        async with self._lock:
            listener = self._running.get(address)
            if listener is None:
                listener = Listener(address)
                await listener.start()
                self._running[address] = listener
            listener.answers[token] = key_authorization

    async def remove(self, address: Address, token: str, key_authorization: str) -> None:
        """Stop answering for a token; stops the listener after the last. Absent is fine."""
        async with self._lock:
            listener = self._running.get(address)
            if listener is None or listener.answers.get(token) != key_authorization:
                return
            del listener.answers[token]
            if not listener.answers:
                del self._running[address]
                await listener.stop()

    async def try_out(self, address: Address) -> str:
        """Say that the address is served already, or listen for a moment. Raises EndServerError."""
        async with self._lock:
            if address in self._running:
                return f"listening on {address} now"
            listener = Listener(address)
            await listener.start()
            await listener.stop()
            return f"can listen on {address}"

    async def close(self) -> None:
        """Stop all."""
        async with self._lock:
            while self._running:
                _, listener = self._running.popitem()
                await listener.stop()


class Listener:
    """One address and the answers served on it: token to key authorization."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.answers: dict[str, str] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind and listen. Raises EndServerError."""
        try:
            self._server = await asyncio.start_server(
                self._connected, self.address.host or None, self.address.port, limit=HEAD_LIMIT
            )
        except OSError as exc:
            code = errno.EACCES if exc.errno == errno.EPERM else exc.errno
            reason = os.strerror(code) if code and code > 0 else str(exc)
            message, hint = _BIND_ERRORS.get(
                code or 0, ("cannot listen on {address}: " + reason, "check the listen address")
            )
            raise EndServerError(message.format(address=self.address), hint=hint) from exc

    async def stop(self) -> None:
        """Close the socket and every open connection."""
        if self._server is not None:
            self._server.close()
        open_now = list(self._connections)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTION_LIMIT:
            writer.close()
            return
        self._connections.add(task)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(await self._exchange(reader))
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            # A visitor that is slow or goes away is its own affair; a CA comes again.
            return
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
            return _response(HTTPStatus.BAD_REQUEST)
        method, target, _ = words
        if method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, extra="Allow: GET, HEAD\r\n")
        answer = self.answers.get(_token(target))
        if answer is None:
            return _response(HTTPStatus.NOT_FOUND, send_body=method == "GET")
        return _response(HTTPStatus.OK, answer, send_body=method == "GET")


def _token(target: str) -> str:
    """What follows the challenge path; "" when the target is another path."""
    if target.startswith("http://"):
        # RFC 9112 section 3.2.2: a server must accept the absolute form.
        target = "/" + target.removeprefix("http://").partition("/")[2]
    path = target.partition("?")[0]
    return path.removeprefix(PATH) if path.startswith(PATH) else ""


def _response(
    status: HTTPStatus, body: str | None = None, *, send_body: bool = True, extra: str = ""
) -> bytes:
    content = (status.phrase + "\n" if body is None else body).encode("ascii")
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Content-Type: text/plain\r\n"
        f"Content-Length: {len(content)}\r\n"
        f"{extra}"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (content if send_body else b"")
