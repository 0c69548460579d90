"""A CA whose words are meant for the terminal: shown filtered, obeyed by nobody."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

HOSTILE = (
    "\x1b]52;c;ZXZpbA==\x07 \x1b[2J \x9b31m [/foo] [@click=app.quit]press me[/] "
    "\u202egnp.exe\u202c \u200b end of it"
)
LONG = "A" * (10 * 1024 * 1024)


class HostileCa(ThreadingHTTPServer):
    """Answers every POST with one problem document."""

    def __init__(self, detail: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.detail = detail

    @property
    def directory_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/directory"


class _Answers(BaseHTTPRequestHandler):
    server: HostileCa

    def do_GET(self) -> None:
        base = self.server.directory_url.removesuffix("/directory")
        self._send(200, {name: f"{base}/{name}" for name in ("newNonce", "newAccount", "newOrder")})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        problem = {
            "type": "urn:ietf:params:acme:error:rejectedIdentifier",
            "detail": self.server.detail,
            "subproblems": [
                {
                    "type": "urn:ietf:params:acme:error:caa",
                    "detail": self.server.detail[:500],
                    "identifier": {"type": "dns", "value": "[/x]\x1b]0;title\x07.example.org"},
                }
            ],
        }
        self._send(403, problem, "application/problem+json")

    def _send(self, code: int, body: dict[str, Any], kind: str = "application/json") -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Replay-Nonce", "bm9uY2U")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(params=[HOSTILE, HOSTILE + LONG], ids=["escapes", "ten-mebibytes"])
def ca(request: pytest.FixtureRequest) -> Iterator[HostileCa]:
    with HostileCa(request.param) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def on_a_terminal(*arguments: str) -> tuple[int, bytes]:
    """Exit code, and every byte the program writes to its terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kmtui", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"},
    )
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(master)
    return process.wait(30), written


def test_nothing_a_ca_says_reaches_the_terminal_as_a_command(tmp_path: Path, ca: HostileCa) -> None:
    place = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "key")]
    assert on_a_terminal(*place, "vault", "init")[0] == 0
    assert on_a_terminal(*place, "ca", "add", "evil", "--directory", ca.directory_url)[0] == 0

    code, written = on_a_terminal(*place, "account", "register", "a", "--ca", "evil", "--agree-tos")

    assert code == 1
    text = written.decode()
    forbidden = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x202C, 0x200B)}
    assert not (forbidden - {"\r", "\n"}) & set(text)
    assert len(written) < 64 * 1024
    if len(ca.detail) < 1000:
        assert "[/foo] [@click=app.quit]press me[/]" in " ".join(text.split())


def test_json_carries_the_words_escaped(tmp_path: Path, ca: HostileCa) -> None:
    place = ["--data", str(tmp_path / "data"), "--key-file", str(tmp_path / "key"), "--json"]
    on_a_terminal(*place, "vault", "init")
    on_a_terminal(*place, "ca", "add", "evil", "--directory", ca.directory_url)

    code, written = on_a_terminal(*place, "account", "register", "a", "--ca", "evil", "--agree-tos")

    assert code == 1
    assert b"\x1b" not in written
    document = json.loads(written.decode().replace("\r\n", "\n"))
    assert document["error"]["message"]
