"""Where a command's answer goes: one JSON document, or text for people.

With ``--json`` standard output carries the document and nothing else; what people may want to
read meanwhile goes to standard error. Foreign text is filtered here, on its way out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from kmtui.core.errors import Ambiguous, InvalidInput, KmtuiError, Parked
from kmtui.text import one_line, plain, width_of

SCHEMA = 1
"""Version of every JSON document; grows only when a field changes its meaning."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """The two streams of an invocation and whether JSON was asked for."""

    json: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)

    def answer(self, document: Json, lines: Sequence[str]) -> None:
        """The command's result: `document` with ``--json``, `lines` without."""
        if self.json:
            self._document(document)
        else:
            for line in lines:
                print(line, file=self.stdout)

    async def stream(self, name: str, documents: AsyncIterator[Json]) -> None:
        """The document of a long list, written as it is read: none of it is kept.

        What goes wrong before the first is answered as ever; later the document breaks off.
        """
        first = await anext(documents, None)
        print(f'{{\n  "schema": {SCHEMA},\n  "{name}": [', end="", file=self.stdout)
        if first is not None:
            self._item(first, "")
            async for document in documents:
                self._item(document, ",")
        print("\n  ]\n}" if first is not None else "]\n}", file=self.stdout)

    def _item(self, document: Json, before: str) -> None:
        # A line each, as only that is written by the fast half of the library.
        print(f"{before}\n    {json.dumps(document)}", end="", file=self.stdout)

    def note(self, text: str) -> None:
        """A word on the side: never part of the document; lost when nobody is there to read it."""
        with suppress(OSError):
            print(plain(text), file=self.stderr, flush=True)

    def error(self, error: KmtuiError) -> None:
        """What went wrong and what to do, as a document or on standard error."""
        if self.json:
            self._document({"error": error_document(error)})
            return
        self.note(f"kmtui: {error.message}")
        if error.problem is not None:
            for sub in error.problem.subproblems:
                self.note(f"  {sub.identifier}: {sub.detail}")
            if error.problem.instance:
                self.note(f"  see: {error.problem.instance}")
        if error.hint:
            self.note(f"  hint: {error.hint}")

    def _document(self, document: Json) -> None:
        text = json.dumps({"schema": SCHEMA, **document}, indent=2, ensure_ascii=True)
        print(text, file=self.stdout)


def error_document(error: KmtuiError) -> dict[str, Any]:
    """The value of ``error`` in the command contract; some errors carry more."""
    from kmtui.cli.documents import moment, problem

    document: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "problem": problem(error.problem) if error.problem else None,
    }
    match error:
        case InvalidInput(field=name) if name:
            document["field"] = name
        case Ambiguous(candidates=candidates):
            document["candidates"] = list(candidates)
        case Parked(not_before=not_before):
            document["not_before"] = moment(not_before)
    return document


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Aligned columns under upper-case headers; numbers are set to the right.

    Nothing is cut: a terminal wraps, a pipe wants all of it.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max([width_of(header), *(width_of(row[column]) for row in cells)])
        for column, header in enumerate(headers)
    ]
    right = [
        bool(rows) and all(isinstance(row[column], int | None) for row in rows)
        for column in range(len(headers))
    ]
    return [
        "  ".join(
            _padded(text, width, to_the_right)
            for text, width, to_the_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in [[header.upper() for header in headers], *cells]
    ]


def facts(pairs: Sequence[tuple[str, object]]) -> list[str]:
    """One labelled value a line, the values in one column; empty ones are left out."""
    shown = [(label, _cell(value)) for label, value in pairs]
    shown = [(label, text) for label, text in shown if text]
    width = max((width_of(label) for label, _ in shown), default=0)
    return [f"{_padded(label, width, False)}  {text}" for label, text in shown]


def counted(count: int, noun: str) -> str:
    """``1 name``, ``2 names``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return one_line(", ".join(str(part) for part in value))
        case _:
            return one_line(str(value))


def _padded(text: str, width: int, to_the_right: bool) -> str:
    padding = " " * (width - width_of(text))
    return padding + text if to_the_right else text + padding
