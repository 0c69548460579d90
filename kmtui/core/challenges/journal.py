"""The journal of what was published: a row before each effect, so that nothing stays behind."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.db import cleanup as rows
from kmtui.model import CleanupEntry


@dataclass(frozen=True, slots=True)
class Journal:
    """Entries of one inventory: intended, presented, then done; `failed` is tried again."""

    context: Context

    async def intend(
        self,
        request_id: str,
        kind: str,
        published: Sequence[tuple[str, str, dict[str, Any]]],
        *,
        dns_account_id: str | None = None,
        server_id: str | None = None,
    ) -> list[CleanupEntry]:
        """Commit what is about to be published: each (name, value, handle so far)."""
        now = self.context.clock()
        entries = [
            CleanupEntry(
                id=str(uuid.uuid4()),
                request_id=request_id,
                kind=kind,
                dns_account_id=dns_account_id,
                server_id=server_id,
                name=name,
                value=value,
                handle=handle,
                state="intended",
                created_at=now,
            )
            for name, value, handle in published
        ]

        def store(session: Session) -> None:
            for entry in entries:
                rows.insert(session, entry)

        await self.context.db.write(store)
        return entries

    async def presented(self, entry: CleanupEntry, handle: dict[str, Any]) -> None:
        """The effect happened; `handle` is what the provider or server gave for removing it."""
        await self.context.db.write(
            lambda session: rows.update(session, entry.id, state="presented", handle=handle)
        )

    async def gone(self, entry: CleanupEntry) -> None:
        """It was removed, or was not there."""
        await self.context.db.write(lambda session: rows.update(session, entry.id, state="done"))

    async def kept(self, entry: CleanupEntry, why: str) -> None:
        """It could not be removed; it stays noted."""
        await self.context.db.write(
            lambda session: rows.update(
                session, entry.id, state="failed", attempts=entry.attempts + 1, last_error=why
            )
        )

    async def pending(self, request_id: str) -> list[CleanupEntry]:
        """What one request published and is not known to be gone."""
        return await self.context.db.read(lambda session: rows.pending(session, request_id))
