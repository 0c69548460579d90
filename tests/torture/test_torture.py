"""The short form of `make torture`: killed, failed, full and crowded, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from tests.servers.process import binary

SHORT: Mapping[str, tuple[str, ...]] = {
    "kills": ("--every", "16", "--pairs", "1"),
    "faults": ("--every", "79"),
    "disk": ("--every", "14"),
    "random": ("--kills", "6"),
    "crowd": ("--certificates", "6", "--crowd-kills", "3"),
}
"""Samples, other ones in each place that the full form walks through."""
LIMIT = 300
"""Seconds, on a machine that is busy with other things."""

Torture = Mapping[str, subprocess.Popen[str]]


@pytest.fixture(scope="module")
def torture() -> Iterator[Torture]:
    """All parts side by side, each in processes and directories of its own."""
    binary("pebble")
    parts = {
        part: subprocess.Popen(
            [sys.executable, "-m", "tests.torture", part, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for part, options in SHORT.items()
    }
    yield parts
    for process in parts.values():
        process.kill()
        process.communicate()


@pytest.mark.timeout(LIMIT + 10)
@pytest.mark.parametrize("part", SHORT)
def test_nothing_is_lost_and_nothing_is_left(torture: Torture, part: str) -> None:
    told, _ = torture[part].communicate(timeout=LIMIT)

    assert torture[part].returncode == 0, told
    assert " 0 wrong" in told
