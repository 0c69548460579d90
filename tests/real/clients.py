"""certbot and lego, run as their users run them, against a CA on loopback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.servers.pebble import Pebble
from tests.servers.process import binary

EMAIL = "ops@kmtui.test"
_SECONDS = 60


def certbot(ca: Pebble, root: Path, *names: str) -> None:
    """Get or renew a certificate by http-01, in a state directory of its own."""
    domains = [word for name in names for word in ("-d", name)]
    folders = ["--config-dir", root, "--work-dir", root.with_suffix(".work")]
    folders += ["--logs-dir", root.with_suffix(".logs")]
    _run(
        [
            *(binary("certbot"), "certonly", "--non-interactive", "--agree-tos", "-m", EMAIL),
            *("--standalone", "--http-01-port", str(ca.http_port), "--server", ca.directory_url),
            *("--force-renewal", "--key-type", "ecdsa", *folders, *domains),
        ],
        REQUESTS_CA_BUNDLE=str(ca.ca_bundle_path),
    )


def lego(ca: Pebble, root: Path, *names: str) -> None:
    """Get a certificate by http-01, in a state directory of its own."""
    domains = [word for name in names for word in ("--domains", name)]
    _run(
        [
            *(binary("lego"), "--accept-tos", "--email", EMAIL, "--path", root),
            *("--server", ca.directory_url, "--http", "--http.port", f"127.0.0.1:{ca.http_port}"),
            *(*domains, "run"),
        ],
        LEGO_CA_CERTIFICATES=str(ca.ca_bundle_path),
    )


def _run(argv: list[str | Path], **environment: str) -> None:
    done = subprocess.run(
        argv,
        env={"PATH": os.environ["PATH"], "HOME": "/", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
