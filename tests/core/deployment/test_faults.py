"""Whatever is cut off at whatever point: the pair in effect is whole, and the next run finishes.

A sample; ``python -m tests.torture deployments`` walks through all of it.
"""

from __future__ import annotations

from zlib import crc32

import pytest

from tests.core.deployment.faults import Case, cases
from tests.core.deployment.scene import Stage

SAMPLES = 2
"""Points of each case."""


@pytest.mark.parametrize("case", list(cases()), ids=str)
async def test_the_pair_is_whole_at_every_point_and_the_next_run_finishes(
    stage: Stage, case: Case
) -> None:
    points, left = await case.undisturbed(stage)
    stride = points // SAMPLES

    for sample in range(SAMPLES):
        # Other points in each case, the same in each run.
        await case.at(stage, sample * stride + crc32(str(case).encode()) % stride, left)
