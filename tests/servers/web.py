"""A plain web server for one directory: what an operator's web server does with a web root."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from tests.servers.process import Process, Server, free_port


class Web(Server):
    """Serves the files below `root`, its own unless another is given, at 127.0.0.1 and `port`."""

    def __init__(self, *, root: Path | None = None, port: int | None = None) -> None:
        super().__init__()
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.root = root or self.directory / "www"
        self.root.mkdir(exist_ok=True)
        argv = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
        argv += ["--directory", str(self.root), str(self.port)]
        self._process = Process(argv, log=self.directory / "web.log")
        self._processes = [self._process]

    def _spawn(self) -> None:
        self._process.spawn()

    def _wait(self) -> None:
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5):
                return True
        except OSError:
            return False
