"""Two versions of a certificate side by side: what differs between them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kmtui.core.description import details
from kmtui.core.inspection import chain_line, parse_chain
from kmtui.model import Version

NAMES = "Names"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same; empty on the side that does not have it."""

    field: str
    one: str
    other: str


def differences(one: Version, other: Version) -> list[Difference]:
    """What differs, in the order a certificate is described in; each with its chain (`chain_pem`).

    Of the names those that only one of them has. Parses both: some milliseconds. Raises
    InvalidInput for a chain that cannot be read.
    """
    first, second = _fields(one), _fields(other)
    found = [
        Difference(field, first.get(field, ""), second.get(field, ""))
        for field in dict.fromkeys([*first, *second])
        if first.get(field, "") != second.get(field, "") and field != NAMES
    ]
    if set(one.names) != set(other.names):
        found.append(Difference(NAMES, _only(one, other), _only(other, one)))
    return found


def _fields(version: Version) -> dict[str, str]:
    """Every field in words; one that is there twice is one with two values."""
    chain = parse_chain(version.chain_pem)
    found: dict[str, str] = {}
    described: Iterable[tuple[str, str]] = details(chain[0])
    for field, value in (*described, ("Chain", chain_line(chain)), ("Asked for by", version.why)):
        found[field] = f"{found[field]}; {value}" if field in found else value
    return found


def _only(version: Version, other: Version) -> str:
    return ", ".join(name for name in version.names if name not in other.names)
