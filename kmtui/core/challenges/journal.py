"""The journal of what was published: a row before each effect, so that nothing stays behind."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.decisions import pause
from kmtui.core.events import ChallengeChanged
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
        challenges: Sequence[str],
        dns_account_id: str | None = None,
        server_id: str | None = None,
    ) -> list[CleanupEntry]:
        """Commit what is about to be published: each (name, value, handle so far).

        The challenges it is for are being presented from now on. What was noted before, by a run
        that was cut off, is not noted twice. Raises Superseded.
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
            progress.change(session, challenges, status="presenting")
            noted = {_effect(entry): entry for entry in rows.pending(session, request_id)}
            found = []
            for entry in entries:
                former = noted.get(_effect(entry))
                if former is None:
                    rows.insert(session, entry)
                found.append(former or entry)
            return found

        stored = await self.context.db.write(store)
        self.context.bus.publish(ChallengeChanged(request_id))
        return stored

    async def presented(
        self,
        progress: Progress,
        effects: Sequence[tuple[CleanupEntry, dict[str, Any]]],
        *,
        challenges: Sequence[str],
        detail: str,
        said: str,
    ) -> None:
        """The effects happened: each entry with what its provider or server gave for removing it.

        Their challenges now wait to be seen, with `detail`; `said` goes to the log.
        """

        def store(session: Session) -> None:
            for entry, handle in effects:
                rows.update(session, entry.id, state="presented", handle=handle)

        await progress.challenge(
            *challenges,
            first=store,
            said=said,
            status="waiting",
            detail=detail,
            presented_at=self.context.clock(),
        )

    async def gone(
        self, progress: Progress, entries: Sequence[CleanupEntry], *, said: str = ""
    ) -> None:
        """They were removed, or were not there; `said` goes to the log."""

        def store(session: Session) -> None:
            for entry in entries:
                rows.update(session, entry.id, state="done")

        if said:
            await progress.log(said, first=store)
        else:
            await self.context.db.write(store)

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

    async def pending_of(self, progress: Progress) -> list[CleanupEntry]:
        """What a request of ours published and is not known to be gone. Raises Superseded."""

        def find(session: Session) -> list[CleanupEntry]:
            progress.hold(session)
            return rows.pending(session, progress.request.id)

        return await self.context.db.read(find)


def _effect(entry: CleanupEntry) -> tuple[str | None, ...]:
    """What one entry is about: the same value at the same name, in the same hands."""
    return entry.kind, entry.dns_account_id, entry.server_id, entry.name, entry.value
