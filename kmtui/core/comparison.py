"""Two versions of a certificate side by side: all of it, or what differs and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kmtui.core.description import details
from kmtui.core.inspection import chain_line, parse_chain
from kmtui.model import Version

NAMES, NAME = "Names", "Name"
"""Field of all names together, and of one by itself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field on both sides; empty on the side that does not have it."""

    field: str
    one: str
    other: str

    @property
    def differs(self) -> bool:
        """Whether the sides are not the same."""
        return self.one != self.other


def side_by_side(one: Version, other: Version) -> list[Difference]:
    """Every field, in the order a certificate is described in, and then each name by itself.

    Each version with its chain (`chain_pem`). Parses both: some milliseconds. Raises InvalidInput
    for a chain that cannot be read.
    """
    first, second = _fields(one), _fields(other)
    fields = [
        Difference(field, first.get(field, ""), second.get(field, ""))
        for field in dict.fromkeys([*first, *second])
        if field != NAMES
    ]
    names = dict.fromkeys([*one.names, *other.names])
    return fields + [
        Difference(NAME, name * (name in one.names), name * (name in other.names)) for name in names
    ]


def differences(one: Version, other: Version) -> list[Difference]:
    """What differs, in the order a certificate is described in; each with its chain (`chain_pem`).

    Of the names those that only one of them has. Parses both: some milliseconds. Raises
    InvalidInput for a chain that cannot be read.
    """
    found = [each for each in side_by_side(one, other) if each.differs and each.field != NAME]
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
