"""A slot store in memory, with the rule of the real one: no save over somebody else's change."""

from __future__ import annotations

from kmtui.core.errors import Refused
from kmtui.core.slots import Header

DATABASE_ID = "8a1f0c7e-5d0a-4f39-9a53-0d2b6c1e7f44"


class MemorySlots:
    """Keeps one header."""

    def __init__(self, database_id: str = DATABASE_ID) -> None:
        self.header = Header(database_id=database_id)

    def load(self) -> Header:
        return self.header

    def save(self, header: Header, *, replacing: Header) -> None:
        if replacing.mac != self.header.mac:
            raise Refused("the slots were changed in between")
        self.header = header
