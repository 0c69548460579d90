"""The vault's header as stored: its slots and the MAC over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from kmtui.core.errors import Refused
from kmtui.db import settings
from kmtui.db.tables import VaultSlotRow

HEADER_MAC = "vault.mac"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSlot:
    """One wrapping of the data key."""

    id: int
    kind: str
    parameters: Mapping[str, Any]
    wrapped: bytes = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHeader:
    """Everything stored to open the vault; no slots and no MAC before it is made."""

    database_id: str
    slots: tuple[StoredSlot, ...]
    mac: bytes


def header(session: Session) -> StoredHeader:
    """The header as it is now."""
    found = session.exec(select(VaultSlotRow).order_by(col(VaultSlotRow.id)))
    return StoredHeader(
        database_id=settings.inventory_id(session),
        slots=tuple(
            StoredSlot(
                id=row.id,
                kind=row.kind,
                parameters=row.parameters,
                wrapped=row.wrapped,
                created_at=row.created_at,
            )
            for row in found
        ),
        mac=_mac(session),
    )


def replace(session: Session, slots: Sequence[StoredSlot], mac: bytes, *, replacing: bytes) -> None:
    """Store all slots and their MAC in place of those whose MAC is `replacing` (empty: none yet).

    Raises Refused, with nothing changed, when the stored MAC is another one: somebody else changed
    the slots in between.
    """
    if _mac(session) != replacing:
        raise Refused(
            "the vault's slots were changed by another process", hint="look again, then try again"
        )
    session.exec(delete(VaultSlotRow))
    session.expunge_all()
    for slot in slots:
        session.add(
            VaultSlotRow(
                id=slot.id,
                kind=slot.kind,
                parameters=dict(slot.parameters),
                wrapped=slot.wrapped,
                created_at=slot.created_at,
            )
        )
    session.flush()
    settings.put(session, HEADER_MAC, mac.hex())


def _mac(session: Session) -> bytes:
    return bytes.fromhex(settings.get(session, HEADER_MAC) or "")
