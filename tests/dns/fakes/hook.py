"""A DNS service that only an operator's own command can change, and that command.

The command is a real program: it hands its environment over to the service, which is this process,
and ends with the code it is told.
"""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from tests.dns.vendor import Strings

PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as service:
    stream = service.makefile("rw")
    stream.write(json.dumps(dict(os.environ)) + "\\n")
    stream.flush()
    code, said = json.loads(stream.readline())
print(said)
sys.exit(code)
"""


class HookVendor:
    """See `tests.dns.vendor.Vendor`; its calls are runs of the command."""

    provider: ClassVar[str] = "exec"

    def __init__(self, directory: Path) -> None:
        """`directory` is where the command is put."""
        self.calls: list[str] = []
        self.environments: list[dict[str, str]] = []
        self.writes = 0
        self._values: defaultdict[str, dict[Strings, int]] = defaultdict(dict)
        self._before: list[Callable[[], None]] = []
        self._failures = 0
        self._alone = threading.Lock()
        self._server = _Server(self.answer)
        self.program = directory / "dns hook"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(0o700)

    @property
    def settings(self) -> dict[str, str]:
        return {"present": f"'{self.program}' {self._server.server_address[1]}"}

    @property
    def secrets(self) -> dict[str, str]:
        return {}

    @property
    def received(self) -> str:
        return "\n".join(self.calls)

    def add_zone(self, name: str, *, nameservers: tuple[str, ...] = ()) -> str:
        return name

    def txt(self, fqdn: str) -> list[Strings]:
        return sorted(self._values[fqdn])

    def ttl(self, fqdn: str) -> int | None:
        return next(iter(self._values[fqdn].values()), None)

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        self._values[fqdn].setdefault(value, ttl)

    def drop(self, fqdn: str, value: Strings) -> None:
        self._values[fqdn].pop(value, None)

    def before_write(self, act: Callable[[], None], *, times: int = 1) -> None:
        self._before += [act] * times

    def too_fast(self, *, times: int = 1, seconds: int = 1) -> None:
        raise AssertionError("a command has no limit of its own")

    def fail(self, *, times: int = 1) -> None:
        self._failures += times

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, environment: dict[str, str]) -> tuple[int, str]:
        """What a run of the command does: its exit code and output."""
        with self._alone:
            action, fqdn = environment["KMTUI_ACTION"], environment["KMTUI_FQDN"]
            self.environments.append(environment)
            self.calls.append(f"{action} {fqdn}")
            self.writes += 1
            if self._before:
                self._before.pop(0)()
            if self._failures:
                self._failures -= 1
                return 75, "the service is away"
            if action == "present":
                self.put(fqdn, (environment["KMTUI_VALUE"],), ttl=int(environment["KMTUI_TTL"]))
            else:
                self.drop(fqdn, (environment["KMTUI_VALUE"],))
            return 0, "done"


class _Runs(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        answer = self.server.answer(json.loads(self.rfile.readline()))
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[dict[str, str]], tuple[int, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Runs)
        self.answer = answer
