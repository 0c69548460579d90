"""Keys that were given up as compromised: kept for ever, so that none of them comes back."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session

from kmtui.core.errors import Refused
from kmtui.db import rows
from kmtui.db.tables import BlockedKeyRow


def block(session: Session, spki_sha256: str, *, at: datetime, certificate: str) -> bool:
    """Note that nobody may use a key again; whether that is new.

    `spki_sha256` is that of its SubjectPublicKeyInfo, `certificate` the label it was given up for.
    """
    if session.get(BlockedKeyRow, spki_sha256) is not None:
        return False
    rows.add(
        session,
        BlockedKeyRow(spki_sha256=spki_sha256, blocked_at=at, certificate=certificate),
    )
    return True


def is_blocked(session: Session, spki_sha256: str) -> bool:
    """Whether the key was given up."""
    return session.get(BlockedKeyRow, spki_sha256) is not None


def refuse(session: Session, spki_sha256: str) -> None:
    """Raise Refused for a key that was given up."""
    row = session.get(BlockedKeyRow, spki_sha256)
    if row is not None:
        raise Refused(
            f"this key was given up as compromised on {row.blocked_at.astimezone(UTC):%Y-%m-%d},"
            f" with a version of {row.certificate}",
            hint="make a new key: no certificate is asked for with this one again",
        )
