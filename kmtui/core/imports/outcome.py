"""What becomes of each thing that was found: foreseen by a dry run, or done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kmtui.core.errors import KmtuiError


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
