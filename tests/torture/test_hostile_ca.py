"""Whatever a CA does, a request ends soon, small, with the reason, and touches no file."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kmtui.core.acme import AcmeClient
from tests.torture.hostile import acts
from tests.torture.hostile.behaviours import BEHAVIOURS, CALL, CONNECT, POLL, Behaviour
from tests.torture.hostile.ca import HostileCa, serving

POLITE = Behaviour(0, "answers as it should", "directory", acts.usual(), reason="")
MEBIBYTE = 1024 * 1024


@dataclass
class Visit:
    """What became of a client that went to all of them, one process for all."""

    cas: dict[int, HostileCa]
    outcomes: dict[str, dict[str, Any]]
    grown: int
    """Bytes of memory, at most."""
    turn: float
    """The longest anything else on the event loop had to wait, in seconds of processor time."""
    written: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with serving([POLITE, *BEHAVIOURS], tmp_path_factory.mktemp("tls")) as cas:
        asked = {
            "cas": [
                {"number": number, "directory": f"{ca.base}/directory"}
                for number, ca in cas.items()
            ],
            "trust": next(iter(cas.values())).root_pem,
            "seconds": {"connect": CONNECT, "call": CALL, "poll": POLL},
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.torture.hostile.walk"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=110,
        )
        assert done.returncode == 0, done.stderr
        yield Visit(cas=cas, **json.loads(done.stdout))


def test_a_ca_that_behaves_is_used_to_the_end(visit: Visit) -> None:
    assert visit.outcomes["0"]["error"] is None, visit.outcomes["0"]["said"]
    assert visit.cas[0].asked[-1] == "certificate"


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda each: f"{each.number} {each.does}")
def test_a_ca_that(visit: Visit, behaviour: Behaviour) -> None:
    outcome = visit.outcomes[str(behaviour.number)]

    assert outcome["error"] == "KmtuiError", outcome["said"]
    assert re.search(behaviour.reason, outcome["said"], re.DOTALL), outcome["said"]
    assert outcome["seconds"] <= behaviour.deadline + 2


def test_all_of_them_together_need_little_memory(visit: Visit) -> None:
    assert visit.grown < 32 * MEBIBYTE


def test_none_of_them_keeps_others_waiting(visit: Visit) -> None:
    assert visit.turn < 0.2


def test_none_of_them_has_a_file_written(visit: Visit) -> None:
    assert visit.written == []


def test_polling_never_becomes_a_flood(visit: Visit) -> None:
    for number, ca in visit.cas.items():
        others = len(ca.asked) - ca.asked.count("new-order")
        assert others < 60, f"{number}: {ca.behaviour.does}"


def test_every_behaviour_has_a_number_of_its_own() -> None:
    assert [each.number for each in BEHAVIOURS] == list(range(1, len(BEHAVIOURS) + 1))


async def leave(ca: HostileCa) -> float:
    """Seconds it takes to stop five calls that a CA does not answer."""
    client = AcmeClient(f"{ca.base}/directory", ca_bundle=ca.root_pem)
    calls = [asyncio.create_task(client.directory()) for _ in range(5)]
    while not ca.asked:  # noqa: ASYNC110 - the CA lives in a thread of its own
        await asyncio.sleep(0.01)
    started = time.monotonic()
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    await client.aclose()
    return time.monotonic() - started


def test_leaving_while_calls_hang_takes_no_time(tmp_path: Path) -> None:
    mute = Behaviour(1, "never answers", "directory", acts.silent(), reason="")

    with serving([mute], tmp_path) as cas:
        assert asyncio.run(leave(cas[1])) < 1
