"""The journal of what was published: a row before each effect, so that nothing stays behind."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.decisions import pause
from kmtui.core.progress import Progress
from kmtui.db import cleanup as rows
from kmtui.model import CleanupEntry


@dataclass(frozen=True, slots=True)
class Journal:
    """Entries of one inventory: intended, presented, then done; `failed` is tried again."""

    context: Context

    async def intend(
        self,
        progress: Progress,
        kind: str,
        published: Sequence[tuple[str, str, dict[str, Any]]],
        *,
        dns_account_id: str | None = None,
        server_id: str | None = None,
    ) -> list[CleanupEntry]:
        """Commit what is about to be published: each (name, value, handle so far).

        What was noted before, by a run that was cut off, is not noted twice. Raises Superseded.
        """
        now = self.context.clock()
        request_id = progress.request.id
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

        def store(session: Session) -> list[CleanupEntry]:
            progress.hold(session)
            noted = {(e.kind, e.name, e.value): e for e in rows.pending(session, request_id)}
            found = []
            for entry in entries:
                former = noted.get((kind, entry.name, entry.value))
                if former is None:
                    rows.insert(session, entry)
                found.append(former or entry)
            return found

        return await self.context.db.write(store)

    async def presented(self, entry: CleanupEntry, handle: dict[str, Any]) -> None:
        """The effect happened; `handle` is what the provider or server gave for removing it."""
        await self.context.db.write(
            lambda session: rows.update(session, entry.id, state="presented", handle=handle)
        )

    async def gone(self, entry: CleanupEntry) -> None:
        """It was removed, or was not there."""
        await self.context.db.write(lambda session: rows.update(session, entry.id, state="done"))

    async def kept(self, entry: CleanupEntry, why: str) -> None:
        """It could not be removed; it stays noted and is tried again, later each time."""
        again = self.context.clock() + pause(entry.attempts)
        await self.context.db.write(
            lambda session: rows.update(
                session,
                entry.id,
                state="failed",
                attempts=entry.attempts + 1,
                next_attempt_at=again,
                last_error=why,
            )
        )

    async def pending(self, request_id: str | None = None) -> list[CleanupEntry]:
        """What one request, or any, published and is not known to be gone."""
        return await self.context.db.read(lambda session: rows.pending(session, request_id))
