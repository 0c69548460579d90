"""A CA on loopback that refuses in words of the test's choice, and words meant for a terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MARKUP = "[/foo] [@click=app.quit]press me[/]"
HOSTILE = f"\x1b]52;c;ZXZpbA==\x07 \x1b[2J \x9b31m {MARKUP} \u202egnp.exe\u202c \u200b end of it"
HOSTILE_NAME = "[/x]\x1b]0;title\x07.example.org"


class RefusingCa(ThreadingHTTPServer):
    """Answers every POST with one problem document; newAccount only where it `registers`.

    `detail` and `name` (the identifier of the subproblem) go out as they are.
    """

    def __init__(self, detail: str, name: str, *, registers: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.detail = detail
        self.name = name
        self.registers = registers

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def directory_url(self) -> str:
        return f"{self.base}/directory"


@contextmanager
def refusing_ca(
    detail: str, name: str = HOSTILE_NAME, *, registers: bool = False
) -> Iterator[RefusingCa]:
    """The CA, while it runs."""
    with RefusingCa(detail, name, registers=registers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    server: RefusingCa

    def do_GET(self) -> None:
        names = ("newNonce", "newAccount", "newOrder")
        self._send(200, {name: f"{self.server.base}/{name}" for name in names})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/newAccount" and self.server.registers:
            self._send(201, {"status": "valid", "orders": f"{self.server.base}/orders"})
            return
        detail = self.server.detail
        problem = {
            "type": "urn:ietf:params:acme:error:rejectedIdentifier",
            "detail": detail,
            "instance": f"{self.server.base}/why?{detail[:500]}",
            "subproblems": [
                {
                    "type": "urn:ietf:params:acme:error:caa",
                    "detail": detail[:500],
                    "identifier": {"type": "dns", "value": self.server.name},
                }
            ],
        }
        self._send(403, problem, "application/problem+json")

    def _send(self, code: int, body: dict[str, Any], kind: str = "application/json") -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Location", f"{self.server.base}/account/1")
        self.send_header("Replay-Nonce", "bm9uY2U")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
