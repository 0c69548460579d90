"""The vault's slots as the inventory keeps them."""

from __future__ import annotations

from kmtui.core.slots import Header, Slot
from kmtui.db import vault as rows
from kmtui.db.database import Database


class StoredSlots:
    """A `SlotStore` over the inventory; its methods block and run in the vault's thread."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def load(self) -> Header:
        """The header as stored; no slots before the vault is set up."""
        stored = self._db.read_sync(rows.header)
        return Header(
            database_id=stored.database_id,
            slots=tuple(
                Slot(
                    id=slot.id,
                    kind=slot.kind,
                    parameters=slot.parameters,
                    wrapped=slot.wrapped,
                    created_at=slot.created_at,
                )
                for slot in stored.slots
            ),
            mac=stored.mac,
        )

    def save(self, header: Header, *, replacing: Header) -> None:
        """Replace the slots in one transaction. Raises Refused when others changed them."""
        slots = [
            rows.StoredSlot(
                id=slot.id,
                kind=slot.kind,
                parameters=slot.parameters,
                wrapped=slot.wrapped,
                created_at=slot.created_at,
            )
            for slot in header.slots
        ]
        self._db.write_sync(
            lambda session: rows.replace(session, slots, header.mac, replacing=replacing.mac)
        )
