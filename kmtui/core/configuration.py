"""The whole sealed configuration of an inventory: what is not as kmtui stored it, and resealing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.seals import Sealable, describe, table_of


class Service(Protocol):
    """A service whose rows are sealed."""

    async def sealed(self) -> Sequence[Sealable]:
        """All rows that must have a seal."""
        ...


class Configuration:
    """Looks at every sealed row, and seals anew what an administrator has looked at."""

    def __init__(self, context: Context, *services: Service) -> None:
        self._context = context
        self._services = services

    async def broken(self) -> list[Sealable]:
        """Rows that were changed from outside, or never sealed. Raises VaultLocked."""
        rows = [row for service in self._services for row in await service.sealed()]
        return await self._context.seals.broken(rows)

    async def seal(self, rows: Sequence[Sealable]) -> None:
        """Seal these rows as they are now. Raises ReadOnly, VaultLocked."""
        self._context.access.require_change()

        def store(session: Session) -> None:
            for row in rows:
                self._context.seals.put(session, row)
                self._context.record(session, "seal", table_of(row), None, describe(row))

        await self._context.db.write(store)
