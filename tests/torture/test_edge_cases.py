"""The thirty edge cases of real CAs: each has a test that bears its number."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_edge_case_has_a_test() -> None:
    marked = {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for number in re.findall(
            r"^\s*@pytest\.mark\.edge\((\d+)\)", path.read_text(), re.MULTILINE
        )
    }
    assert marked == set(range(1, 31))
