"""A kmtui inventory set up on a real CA and a real name server, worked by commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.bind import Bind
from tests.servers.pebble import Pebble

ZONE = "kmtui.test"


@dataclass(frozen=True)
class Run:
    """One finished process: what it printed, and what it cost."""

    document: dict[str, Any]
    code: int
    seconds: float
    """Wall time from its start to its end."""
    cpu_seconds: float
    """User and system time of that process alone."""
    peak_mib: float
    """Largest resident set."""
    errors: str


class Lab:
    """An inventory in `home` with one account at `ca` and one DNS account at `names`."""

    def __init__(self, home: Path, ca: Pebble, names: Bind) -> None:
        self.home = home
        self.data = home / "data"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KMTUI_DATA": str(self.data),
            "KMTUI_KEY_FILE": str(home / "vault.key"),
        }
        self._set_up(ca, names)

    def run(self, *arguments: str) -> Run:
        """Run ``kmtui --json ARGUMENTS`` without a terminal."""
        out, errors = self.home / "stdout", self.home / "stderr"
        started = time.perf_counter()
        with out.open("wb") as stdout, errors.open("wb") as stderr:
            child = subprocess.Popen(
                [sys.executable, "-m", "kmtui", "--json", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        return Run(
            document=json.loads(out.read_text() or "{}"),
            code=child.returncode,
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mib=usage.ru_maxrss / 1024,
            errors=errors.read_text(),
        )

    def request_all(self, names: Sequence[str]) -> Run:
        """One certificate for each of `names`, requested by one process."""
        source = self.home / "names"
        source.write_text("\n".join(names) + "\n")
        return self.run("request", "new", "--from", str(source), "--account", "main")

    def _set_up(self, ca: Pebble, names: Bind) -> None:
        bundle, tsig = self.home / "ca.pem", self.home / "tsig"
        bundle.write_text(ca.ca_bundle_pem)
        tsig.write_text(names.tsig.secret)
        resolvers = ",".join(f"{address}:{names.port}" for address in names.addresses)
        for command in (
            ("vault", "init"),
            ("ca", "add", "pebble", "--directory", ca.directory_url, "--ca-bundle", str(bundle)),
            ("account", "register", "main", "--ca", "pebble", "--agree-tos"),
            (
                *("dns", "add", "lab", "--provider", "rfc2136", "--zone", ZONE),
                *("--secret", f"tsig_secret=@{tsig}", "--set", f"server={names.server}"),
                *("--set", f"tsig_name={names.tsig.name}", "--set", f"resolvers={resolvers}"),
                *("--set", f"tsig_algorithm={names.tsig.algorithm}"),
            ),
            ("mapping", "add", f".{ZONE}", "--dns", "lab"),
        ):
            done = self.run(*command)
            if done.code:
                raise SystemExit(f"kmtui {' '.join(command)}: {done.document} {done.errors}")
