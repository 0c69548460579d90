"""A server process of the test suite: started in the foreground, watched, ended within a limit."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

BINARIES = Path(__file__).resolve().parents[2] / ".cache" / "servers" / "bin"
SKIP_REASON = "real servers skipped on purpose (KMTUI_SKIP_SERVERS=1)"
START_LIMIT = 15.0
"""Seconds a server may take to answer; generous, because the machine may be busy."""
STOP_LIMIT = 3.0
"""Seconds between SIGTERM and SIGKILL."""
PORTS = range(20_000, 32_000)
"""Below the ports the kernel lends to outgoing connections: a restart finds its own still free."""


class ServerDied(RuntimeError):
    """The server ended, or did not answer in time; the text ends with its log."""


def binary(name: str) -> Path:
    """The path of a server that `tests/servers/install.sh` has put into the cache.

    Without it the calling test fails, unless the servers are left out on purpose.
    """
    if os.environ.get("KMTUI_SKIP_SERVERS") == "1":
        pytest.skip(SKIP_REASON)
    path = BINARIES / name
    if not path.exists():
        pytest.fail(f"no {name} in {BINARIES}: run `make servers`", pytrace=False)
    return path


def free_port(*hosts: str) -> int:
    """A port that is free for TCP and UDP on each of `hosts` (default: 127.0.0.1)."""
    wanted = hosts or ("127.0.0.1",)
    for port in random.sample(PORTS, 100):
        if all(_is_free(host, port) for host in wanted):
            return port
    raise RuntimeError(f"no common free port on {', '.join(wanted)}")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


class Process:
    """One child process with its log in a file."""

    def __init__(
        self, argv: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._argv = [str(word) for word in argv]
        self._log_path = log
        self._environment = dict(environment or {})
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def log(self) -> str:
        """Everything the process wrote to stdout and stderr, over all its starts."""
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def spawn(self) -> None:
        """Starts the process; it does not outlive the test run, even when that is killed."""
        reaper = shutil.which("setpriv")
        guard = [reaper, "--pdeathsig", "KILL", "--"] if reaper else []
        with self._log_path.open("ab") as log:
            self._child = subprocess.Popen(
                guard + self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ.get("PATH", os.defpath), **self._environment},
            )

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Returns when `answers()` is true; raises `ServerDied`."""
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if not self.running:
                raise ServerDied(f"{self._argv[0]} ended at once:\n{self.log}")
            if answers():
                return
            time.sleep(0.02)
        self.stop()
        raise ServerDied(f"{self._argv[0]} did not answer in {START_LIMIT:g} s:\n{self.log}")

    def stop(self) -> None:
        """Ends the process: SIGTERM, and SIGKILL after `STOP_LIMIT`. Harmless when it is gone."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None


class Server:
    """A real server below its own temporary directory; a context manager, plain and async.

    A subclass says in `_spawn` what runs and in `_wait` what "ready" means. `start` after `stop` is
    a restart on the same ports.
    """

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="kmtui-server-")
        self.directory = Path(self._scratch.name)
        self._processes: list[Process] = []

    def _spawn(self) -> None:
        raise NotImplementedError

    def _wait(self) -> None:
        raise NotImplementedError

    @property
    def log(self) -> str:
        return "\n".join(process.log for process in self._processes)

    def start(self) -> None:
        """Starts the server and returns when it answers; raises `ServerDied`."""
        self._spawn()
        self._wait()

    def stop(self) -> None:
        """Ends the server; what it kept on disk stays until `close`."""
        for process in self._processes:
            process.stop()

    def close(self) -> None:
        """Ends the server and removes its directory."""
        self.stop()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        # In this thread, although it waits: a child dies with the thread that spawned it.
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.close()
