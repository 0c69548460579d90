"""Several processes renew at the same time: every due certificate is renewed exactly once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kmtui.core.core import Core
from kmtui.db import renewal
from kmtui.model import ListQuery, RenewalPlan
from tests.real.scripted import Scripted, set_up
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble

NAMES = [f"n{number}.kmtui.test" for number in range(6)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, pebble: Pebble, bind: Bind) -> Scripted:
    """Certificates for `NAMES` that save themselves."""
    run = Scripted(tmp_path_factory.mktemp("home"))
    set_up(run, pebble, bind)
    source = run.home / "names"
    source.write_text("\n".join(NAMES))
    run("request", "new", "--from", str(source), "--account", "main", "--save", "always")
    return run


async def make_due(data: Path) -> int:
    """Let the time of every certificate have come; the number of their current versions."""
    core = await Core.open(data, actor="tester@here")
    now = core.context.clock()
    plans = [
        RenewalPlan(
            certificate_id=certificate.id,
            version_number=certificate.current_version or 0,
            source="lifetime",
            renew_at=now - timedelta(hours=1),
            next_check_at=now + timedelta(days=1),
        )
        for certificate in await core.certificates.page(ListQuery(now=now))
    ]
    await core.context.db.write(lambda session: renewal.put(session, plans))
    await core.close()
    (number,) = {plan.version_number for plan in plans}
    return number


async def versions(data: Path) -> set[int | None]:
    """The numbers of the current versions, which are also how many there are."""
    core = await Core.open(data, read_only=True)
    found = [await core.certificates.get(name) for name in NAMES]
    await core.close()
    assert all(each.version_count == each.current_version for each in found)
    return {each.current_version for each in found}


def start(run: Scripted) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kmtui", "--json", "renew", "--due"],
        env=run.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=110)
    assert process.returncode == 0, out + err
    return json.loads(out)


def test_many_runs_at_once_renew_each_certificate_once(run: Scripted, bind: Bind) -> None:
    before = asyncio.run(make_due(run.home / "data"))

    answers = [answer(process) for process in [start(run) for _ in range(4)]]

    renewed = Counter(each["certificate"] for found in answers for each in found["requests"])
    assert renewed == Counter(NAMES)
    assert asyncio.run(versions(run.home / "data")) == {before + 1}
    assert bind.added("kmtui.test") == set()


def test_what_a_killed_run_left_is_taken_up_by_the_next(run: Scripted, bind: Bind) -> None:
    before = asyncio.run(make_due(run.home / "data"))
    killed = start(run)
    while run("request", "list")["requests"][0]["kind"] != "renew":
        if killed.poll() is not None:
            break
    killed.kill()
    killed.wait()

    found = run("renew", "--due")

    assert {each["status"] for each in found["requests"]} <= {"saved"}
    assert asyncio.run(versions(run.home / "data")) == {before + 1}
    assert bind.added("kmtui.test") == set()
