"""The report of a test, line by line, and the exit code that follows from it."""

from __future__ import annotations

from collections.abc import Sequence

from kmtui.cli import documents
from kmtui.cli.output import Output
from kmtui.model import CheckLine
from kmtui.text import one_line

_MARKS = {True: "ok   ", False: "FAIL ", None: "     "}


def answer_report(out: Output, kind: str, name: str, lines: Sequence[CheckLine]) -> int:
    """Show the report; 0 when nothing failed, else 1."""
    good = all(line.ok is not False for line in lines)
    out.answer(
        {
            "test": {
                "type": kind,
                "name": name,
                "ok": good,
                "lines": [documents.check_line(line) for line in lines],
            }
        },
        [_MARKS[line.ok] + one_line(line.text) for line in lines],
    )
    return 0 if good else 1
