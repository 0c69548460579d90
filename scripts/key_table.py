"""Writes the table of keys in README.md, from the one table that screens and help are made of."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from kmtui.bindings import key_table

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- Written by `make docs` from kmtui/bindings.py. -->\n"
END = "<!-- End of the keys. -->\n"


def table() -> str:
    """One row a screen: each key and its word."""
    rows = ["| | |", "|---|---|"]
    for where, keys in groupby(key_table(), key=lambda row: row[0]):
        told = " · ".join(f"`{key.split()[0]}` {word}" for _, key, word, _ in keys)
        rows.append(f"| {where.replace('_', ' ')} | {told} |")
    return "\n".join(rows) + "\n"


def renewed(text: str) -> str:
    """README with the table as it is now. Raises ValueError where its place is not marked."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("README.md has no place for the keys")
    return before + begin + table() + end + after


def write() -> None:
    """Write the table."""
    README.write_text(renewed(README.read_text()))


if __name__ == "__main__":
    write()
