"""The outcome of tests as cells and facts: of a DNS account, an end server, a CA."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from kmtui.model import CheckLine
from kmtui.status import Cell, ago, look, when
from kmtui.widgets.details import Fact

_WORDS = {True: "ok", False: "failed", None: "never"}
_LINE_WORDS = {True: "done", False: "failed", None: "info"}


CONTINUED = " "
"""Label of a fact that belongs to the one above it."""


class Tested(Protocol):
    """What remembers its last test."""

    @property
    def last_test_at(self) -> datetime | None: ...
    @property
    def last_test_ok(self) -> bool | None: ...
    @property
    def last_test_detail(self) -> str: ...


def test_word(thing: Tested) -> str:
    """The status word of the last test: ``ok``, ``failed`` or ``never``."""
    return _WORDS[thing.last_test_ok]


def last_test_cell(thing: Tested, now: datetime) -> Cell:
    """What the TEST column says: ``ok 2d ago``, why it failed, ``never``."""
    if thing.last_test_ok is False:
        return thing.last_test_detail or "failed", "bad"
    if thing.last_test_ok and thing.last_test_at is not None:
        return f"ok {ago(thing.last_test_at, now)}", ""
    return "never", "muted"


def last_test_fact(thing: Tested) -> Fact:
    """The last test in full."""
    if thing.last_test_at is None:
        return "Test", ("never tested: t does it", "muted")
    word = test_word(thing)
    detail = "" if thing.last_test_ok else f": {thing.last_test_detail}"
    return "Test", (f"{word} {when(thing.last_test_at)}{detail}", look(word).tone)


def check_facts(lines: Iterable[CheckLine], label: str = "Test") -> list[Fact]:
    """Each line of a test with its glyph, the label before the first."""
    facts: list[Fact] = []
    for line in lines:
        shown = look(_LINE_WORDS[line.ok])
        facts.append((CONTINUED if facts else label, (f"{shown.glyph} {line.text}", shown.tone)))
    return facts
