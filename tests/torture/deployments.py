"""Deployments cut off at every point: the pair in effect stays whole, the next run finishes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kmtui.core.core import Core
from tests.core.deployment.faults import FAULTS, Case, cases
from tests.core.deployment.scene import staged
from tests.torture.kills import Tally


def run(*, every: int) -> Iterator[Tally]:
    """Each kind of fault at each point of each kind of deployment, or at `every` so many."""
    for fault in FAULTS:
        yield asyncio.run(_walk(fault, every))


async def _walk(fault: str, every: int) -> Tally:
    tally = Tally(f"deployments, {fault}")
    started = time.monotonic()
    for case in cases():
        if case.fault == fault:
            await _through(case, every, tally)
    tally.seconds = time.monotonic() - started
    return tally


async def _through(case: Case, every: int, tally: Tally) -> None:
    with tempfile.TemporaryDirectory(prefix="kmtui-deployments-") as home:
        core = await Core.open(Path(home) / "data", actor="tester@here")
        await core.access.initialise_with_key_file(Path(home) / "vault.key")
        stage = await staged(core, Path(home))
        points, left = await case.undisturbed(stage)
        for point in range(0, points, every):
            tally.cases += 1
            tally.points[str(case)] += 1
            tally.struck += 1
            tally.recoveries += 1
            try:
                await case.at(stage, point, left)
            except AssertionError as error:
                tally.wrong.append(f"{case}, point {point} of {points}: {error}")
        await core.close()
