"""How long `renew --due` takes to see that none of 1,000 certificates is due, and asks nobody."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kmtui.core.core import FILE_NAME
from kmtui.db import certificates, renewal, versions
from kmtui.db.database import Database
from kmtui.model import RenewalPlan
from tests.db.samples import certificate, version

COUNT = 1_000
ROUNDS = 5
GOAL = 1.0

GUARDED = """
import sys
def alone(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"the network was used: {event} {arguments}")
sys.addaudithook(alone)
from kmtui.__main__ import main
sys.exit(main())
"""
"""kmtui, ended by its first step onto the network."""


def fill(data: Path) -> None:
    """Certificates in the middle of their lives, each with its plan."""
    db = Database.open(data / FILE_NAME)
    now = datetime.now(UTC)

    def store(session: Any) -> None:
        plans = []
        for number in range(COUNT):
            row = certificate(f"name-{number:04}.example.org", auto_renew=True)
            certificates.insert(session, row)
            issued = version(
                row,
                id=str(uuid.uuid4()),
                sha256=f"{number:064x}",
                not_before=now - timedelta(days=30),
                not_after=now + timedelta(days=60),
            )
            stored = versions.insert(session, issued, key_secret_id=None)
            versions.mark_saved(session, issued.id, now)
            plans.append(
                RenewalPlan(
                    certificate_id=row.id,
                    version_number=stored.number,
                    source="lifetime",
                    renew_at=now + timedelta(days=30),
                    next_check_at=now + timedelta(days=1),
                )
            )
        renewal.put(session, plans)

    db.write_sync(store)
    db.close_sync()


def seconds_of(*arguments: str, environment: dict[str, str]) -> tuple[float, dict[str, Any]]:
    """Wall time of one guarded run, and its answer."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, "--json", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(
            f"{arguments}: {done.returncode} {done.stdout[-500:]} {done.stderr[-500:]}"
        )
    return seconds, json.loads(done.stdout)


def main() -> None:
    """Alternately with listing the vault's slots, which opens the inventory and does no more."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", "."),
            "HOME": directory,
            "KMTUI_DATA": str(home / "data"),
            "KMTUI_KEY_FILE": str(home / "vault.key"),
        }
        seconds_of("vault", "init", environment=environment)
        fill(home / "data")
        base: list[float] = []
        ours: list[float] = []
        for _ in range(ROUNDS):
            base.append(seconds_of("vault", "status", environment=environment)[0])
            seconds, _ = seconds_of("renew", "--due", environment=environment)
            ours.append(seconds)
    opened, renewed = statistics.median(base), statistics.median(ours)
    print(
        f"renew --due          {renewed / opened:5.2f} x opening the inventory, with {COUNT:,} "
        f"certificates and none due   ({renewed * 1000:.0f} ms (goal {GOAL * 1000:.0f}), "
        f"{opened * 1000:.0f} ms; no network)"
    )


if __name__ == "__main__":
    main()
