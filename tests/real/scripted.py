"""Commands run as scripts run them, and the set-up by commands that most tests start from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.servers.bind import Bind
from tests.servers.pebble import Pebble


class Scripted:
    """Runs ``kmtui --json`` as a process without a terminal, on one inventory."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KMTUI_DATA": str(home / "data"),
            "KMTUI_KEY_FILE": str(home / "vault.key"),
            **environment,
        }
        self.output = ""
        """Everything every command printed, and how `ps` shows it."""

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        process = self.start(*arguments)
        self.output += subprocess.run(
            ["ps", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True
        ).stdout
        out, err = process.communicate(timeout=110)
        self.output += out + err
        assert process.returncode == code, out + err
        document = json.loads(out)
        assert document["schema"] == 1
        return document

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same command, not waited for."""
        log = ["--log-file", str(self.home / "log"), "--debug"]
        return subprocess.Popen(
            [sys.executable, "-m", "kmtui", "--json", *log, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def register(run: Scripted, ca: Pebble, *, directory_url: str | None = None) -> None:
    """A vault, and an account at `ca`."""
    bundle = run.home / "ca.pem"
    bundle.write_text(ca.ca_bundle_pem)
    directory_url = directory_url or ca.directory_url
    run("vault", "init")
    run("ca", "add", "pebble", "--directory", directory_url, "--ca-bundle", str(bundle))
    run("account", "register", "main", "--ca", "pebble", "--email", "a@kmtui.test", "--agree-tos")


def set_up(
    run: Scripted,
    ca: Pebble,
    lab: Bind,
    *,
    secret: str | None = None,
    directory_url: str | None = None,
    propagation_timeout: int = 20,
) -> None:
    """An account at `ca`, the zone of `lab` by dns-01, and www.kmtui.test by http-01."""
    tsig = run.home / "tsig"
    tsig.write_text(secret or lab.tsig.secret)
    register(run, ca, directory_url=directory_url)
    resolvers = ",".join(f"{address}:{lab.port}" for address in lab.addresses)
    run(
        *("dns", "add", "lab", "--provider", "rfc2136", "--secret", f"tsig_secret=@{tsig}"),
        *("--set", f"server={lab.server}", "--set", f"tsig_name={lab.tsig.name}"),
        *("--set", f"tsig_algorithm={lab.tsig.algorithm}", "--set", f"resolvers={resolvers}"),
        *("--set", f"propagation_timeout={propagation_timeout}", "--zone", "kmtui.test"),
    )
    listen = f"127.0.0.1:{ca.http_port}"
    run("server", "add", "web", "--kind", "standalone", "--listen", listen, "--probe", listen)
    run("mapping", "add", ".kmtui.test", "--dns", "lab")
    run("mapping", "add", "www.kmtui.test", "--server", "web")


def verify_with_openssl(chain: str, root: str, directory: Path, *names: str) -> None:
    """A second opinion: the chain leads to the root, and its certificate is one for `names`."""
    (directory / "root.pem").write_text(root)
    (directory / "chain.pem").write_text(chain)
    paths = [str(directory / name) for name in ("root.pem", "chain.pem", "chain.pem")]
    for name in names or ("",):
        subprocess.run(
            [
                *("openssl", "verify", *(("-verify_hostname", name) if name else ())),
                *("-CAfile", paths[0], "-untrusted", paths[1], paths[2]),
            ],
            check=True,
            capture_output=True,
        )
