"""What becomes of each thing that was found: foreseen by a dry run, or done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kmtui.core.errors import KmtuiError
from kmtui.core.problems import counted


class Fate(StrEnum):
    """What becomes of one thing."""

    NEW = "new"
    """It was not here."""
    JOINED = "joined"
    """A certificate of the inventory gets versions or keys that it did not have."""
    KNOWN = "known"
    """All of it is here already."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One account or certificate."""

    kind: str
    """`account` or `certificate`; `place` for something that could not be read."""
    name: str
    """Its name or label here."""
    where: str
    fate: Fate
    id: str | None = None
    """Of the account or certificate here; None while it is only foreseen, or failed."""
    names: tuple[str, ...] = ()
    versions: int = 0
    """How many come."""
    keyless: int = 0
    """How many of them without their private key."""
    keys: int = 0
    """Keys for versions that are here without one."""
    not_after: datetime | None = None
    """Of the version in use."""
    account: str | None = None
    """Name of the account that renews it."""
    ca: str | None = None
    error: KmtuiError | None = None


def in_short(outcomes: Sequence[Imported], *, foreseen: bool) -> str:
    """``2 certificates and 1 account came, 3 here already, 1 cannot be imported``."""
    came = {
        kind: sum(row.kind == kind and row.fate in (Fate.NEW, Fate.JOINED) for row in outcomes)
        for kind in ("certificate", "account")
    }
    parts = [counted(number, kind) for kind, number in came.items() if number]
    said = [f"{' and '.join(parts) or 'nothing'} {'would come' if foreseen else 'came'}"]
    if known := sum(row.fate == Fate.KNOWN for row in outcomes):
        said.append(f"{known} here already")
    if failed := sum(row.fate == Fate.FAILED for row in outcomes):
        said.append(f"{failed} cannot be imported")
    return ", ".join(said)


def key_words(row: Imported) -> str:
    """Whether private keys come along: ``yes``, ``none``, ``2 without``, ``1 added``."""
    if row.keyless:
        return "none" if row.keyless == row.versions else f"{row.keyless} without"
    if row.keys:
        return f"{row.keys} added"
    return "yes" if row.versions else ""
