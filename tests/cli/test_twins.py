"""What a key does on a screen, a command does, and the other way around."""

from __future__ import annotations

import pytest

from kmtui.bindings import EVERYWHERE, LIST, LISTED, PAGE, SCREENS
from tests.cli.tree import commands
from tests.cli.twins import ALONE, TWINS

TREE = {name for name, _ in commands()}
MOVING = {*LIST, *LISTED}
KEYS = {
    *((place, name) for place in ("everywhere",) for name in (*EVERYWHERE, *PAGE)),
    *((screen, name) for screen, names in SCREENS.items() for name in names),
}
"""Each key of each screen; where the cursor goes and what a list shows is no act."""


def row(screen: str, name: str) -> str:
    """The line of the table that tells of a key."""
    return f"{screen} {name}" if f"{screen} {name}" in TWINS else name


def named(text: str) -> list[str]:
    """The commands of a line, none where it gives a reason."""
    words = text.split(", ")
    return words if words[0] in TREE else []


@pytest.mark.parametrize(
    ("screen", "name"), sorted(key for key in KEYS if key[1] not in MOVING - {"open"})
)
def test_each_key_has_its_command_or_a_reason(screen: str, name: str) -> None:
    assert row(screen, name) in TWINS, "give it a line in tests/cli/twins.py"

    told = TWINS[row(screen, name)]
    assert set(named(told)) <= TREE
    assert named(told) or len(told.split()) > 3


def test_each_command_has_its_key_or_a_reason() -> None:
    reached = {command for told in TWINS.values() for command in named(told)}

    assert TREE - reached - set(ALONE) == set(), "give it a line in tests/cli/twins.py"
    assert set(ALONE) - TREE == set()
    assert set(ALONE) & reached == set()


def test_no_line_is_about_a_key_that_is_gone() -> None:
    assert set(TWINS) - {row(screen, name) for screen, name in KEYS} == set()
