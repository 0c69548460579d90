"""What an unattended run costs when nothing is due: 1,000 certificates, no network."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from kmtui.core.core import Core
from kmtui.db import accounts, certificates, versions
from kmtui.model import Account, Certificate, Version

ROUNDS = 5
COUNT = 1_000
NOWHERE = "https://127.0.0.1:9/directory"
"""Nothing listens at the discard port: a run that asked would fail, and say so."""


def account(now: datetime) -> Account:
    return Account(
        id=str(uuid.uuid4()),
        name="main",
        ca="nowhere",
        directory_url=NOWHERE,
        account_url=f"{NOWHERE}/1",
        status="valid",
        email=None,
        key_type="ec256",
        key_thumbprint="0" * 43,
        created_at=now,
    )


def add(session: Session, number: int, owner: Account, now: datetime) -> None:
    """A certificate of 90 days, a month old, with one current version."""
    name = f"n{number:04}.example.org"
    certificate = Certificate(
        id=str(uuid.uuid4()),
        name=name,
        names=(name,),
        account_id=owner.id,
        account=owner.name,
        ca=owner.ca,
        key_type="ec256",
        profile=None,
        auto_renew=True,
        auto_save="always",
        created_at=now,
    )
    version = Version(
        id=str(uuid.uuid4()),
        certificate_id=certificate.id,
        certificate=name,
        request_id=None,
        number=0,
        serial=f"{number:x}",
        issuer="Example CA",
        subject=name,
        names=(name,),
        not_before=now - timedelta(days=30),
        not_after=now + timedelta(days=60),
        key_type="ec256",
        sha256=f"{number:064x}",
        spki_sha256=f"{number:064x}",
        issued_at=now - timedelta(days=30),
        chain_pem="-----BEGIN CERTIFICATE-----\n",
        why="issue",
    )
    certificates.insert(session, certificate)
    versions.insert(session, version, key_secret_id=None)
    versions.mark_saved(session, version.id, now)


async def fill(home: Path) -> None:
    core = await Core.open(home / "data")
    await core.access.initialise_with_key_file(home / "vault.key")
    await core.cas.add("nowhere", directory_url=NOWHERE)
    now = core.context.clock()
    owner = account(datetime.now(UTC))

    def store(session: Session) -> None:
        accounts.insert(session, owner)
        for number in range(COUNT):
            add(session, number, owner, now)

    await core.context.db.write(store)
    await core.close()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, in seconds."""

    wall: float
    cpu: float


def cost(home: Path, *arguments: str) -> Cost:
    """Of one command that must end well."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "KMTUI_DATA": str(home / "data"),
        "KMTUI_KEY_FILE": str(home / "vault.key"),
    }
    command = [sys.executable, "-m", "kmtui", *arguments]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu)


def main() -> None:
    """Beside the smallest command there is, so that a slow machine shows as one."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        asyncio.run(fill(home))
        cost(home, "renew", "--due")
        runs = [
            (cost(home, "renew", "--due"), cost(home, "activity", "--limit", "1"))
            for _ in range(ROUNDS)
        ]
    wall = statistics.median(run.wall for run, _ in runs)
    cpu = statistics.median(run.cpu for run, _ in runs)
    least = statistics.median(least.wall for _, least in runs)
    print(
        f"renew, none due      {wall:5.2f} s for {COUNT:,} certificates (goal 1)"
        f"   ({cpu:.2f} s CPU; {wall / least:.2f} x the smallest command)"
    )


if __name__ == "__main__":
    main()
