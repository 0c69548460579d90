"""A DNS relay: gives a name server a second loopback address.

BIND listens only on addresses an interface carries, and loopback carries 127.0.0.1 alone, although
all of 127.0.0.0/8 is local. The relay listens on another one and passes UDP and TCP through.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading

ANSWER_LIMIT = 3.0
"""Seconds a question may stay unanswered; then the relay stays silent, as a dead server would."""
Address = tuple[str, int]


class DnsRelay:
    """Passes everything that arrives at `listen` to `upstream`, while it is started."""

    def __init__(self, listen: Address, upstream: Address) -> None:
        self._listen = listen
        self._upstream = upstream
        self._servers: list[socketserver.BaseServer] = []

    def start(self) -> None:
        upstream = self._upstream

        class Datagrams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                question, back = self.request
                with contextlib.suppress(OSError), _connected(socket.SOCK_DGRAM, upstream) as out:
                    out.send(question)
                    back.sendto(out.recv(65_535), self.client_address)

        class Streams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError), _connected(socket.SOCK_STREAM, upstream) as out:
                    forth = threading.Thread(target=_pipe, args=(self.request, out), daemon=True)
                    forth.start()
                    _pipe(out, self.request)

        self._servers = [_UdpServer(self._listen, Datagrams), _TcpServer(self._listen, Streams)]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65_535


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _connected(kind: socket.SocketKind, upstream: Address) -> socket.socket:
    link = socket.socket(socket.AF_INET, kind)
    link.settimeout(ANSWER_LIMIT)
    link.connect(upstream)
    return link


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_535):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
