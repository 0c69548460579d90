"""A refusal that proposes a command names the key as well where it is shown on a screen."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from kmtui.bindings import KEYS
from kmtui.core.errors import Refused
from kmtui.screens.error import problem_facts, problem_of
from kmtui.screens.here import HERE, with_keys
from tests.cli.tree import commands
from tests.cli.twins import ALONE

CORE = Path(__file__).parents[2] / "kmtui" / "core"
NOT_BY_A_KEY = {
    "cert set": "its switches have keys of their own; other settings are asked for at a reissue",
}


def proposed() -> set[str]:
    """Every command that a text of core names in a hint."""
    texts = (
        node.value
        for path in CORE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.keyword) and call.arg == "hint"
        for node in ast.walk(call.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    words = {word for text in texts for word in re.findall(r"\bkmtui ([a-z]+ [a-z-]+)", text)}
    return words & {name for name, _ in commands()}


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("bring it back: kmtui cert undelete shop", " (here: u on Certificates)"),
        ("kmtui ca list shows the known ones", " (here: I on Accounts)"),
        ("kmtui notify test runs it again", ""),
        ("look at the log", ""),
        ("", ""),
    ],
)
def test_the_key_stands_behind_the_command(hint: str, shown: str) -> None:
    assert with_keys(hint) == hint + shown


def test_each_command_that_core_proposes_has_its_key_or_none() -> None:
    assert proposed() - set(HERE) - set(ALONE) - set(NOT_BY_A_KEY) == set()
    assert {name for name, _ in HERE.values()} <= set(KEYS)


def test_the_full_error_names_the_key() -> None:
    facts = problem_facts(problem_of(Refused("it is deleted", hint="kmtui cert undelete shop")))

    assert ("Next", "kmtui cert undelete shop (here: u on Certificates)") in facts
