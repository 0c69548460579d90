"""The vault's slots as the inventory keeps them."""

from __future__ import annotations

from sqlmodel import Session

from kmtui.core.clock import Clock, utc_now
from kmtui.core.slots import KIND_WORDS, Header, Slot
from kmtui.db import activity
from kmtui.db import vault as rows
from kmtui.db.database import Database


class StoredSlots:
    """A `SlotStore` over the inventory; its methods block and run in the vault's thread.

    Who may open the vault is on record from its first way of opening on.
    """

    def __init__(
        self, db: Database, *, actor: str = "", origin: str = "", clock: Clock = utc_now
    ) -> None:
        self._db = db
        self._actor = actor
        self._origin = origin
        self._clock = clock

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

        def store(session: Session) -> None:
            rows.replace(session, slots, header.mac, replacing=replacing.mac)
            action, detail = _told(replacing.slots, header.slots)
            activity.append(
                session,
                at=self._clock(),
                actor=self._actor,
                action=action,
                object_type="vault",
                object_id=None,
                object_name="",
                detail=detail,
                origin=self._origin,
            )

        self._db.write_sync(store)


def _told(before: tuple[Slot, ...], after: tuple[Slot, ...]) -> tuple[str, str]:
    """What was done to the slots, and to which of them."""
    known = {slot.id for slot in before}
    left = {slot.id for slot in after}
    added = ", ".join(_named(slot) for slot in after if slot.id not in known)
    removed = ", ".join(_named(slot) for slot in before if slot.id not in left)
    if not before:
        return "vault init", added
    if added and removed:
        return "vault passwd", f"{added} in place of {removed}"
    return ("vault add", added) if added else ("vault remove", removed)


def _named(slot: Slot) -> str:
    return f"slot {slot.id}, {KIND_WORDS[slot.kind]}"
