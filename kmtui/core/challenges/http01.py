"""http-01: a file below ``/.well-known/acme-challenge/`` (RFC 8555 section 8.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from kmtui.core.addresses import Address, parse_address
from kmtui.core.challenges.journal import Journal
from kmtui.core.challenges.solver import Answer
from kmtui.core.progress import Progress
from kmtui.core.servers.server import EndServer as Server
from kmtui.core.together import together
from kmtui.model import EndServer, ServerSight

PROBES = 3
"""Looks before the CA is asked: a web server or a copy to several hosts may need a moment."""
PAUSE = 1.0
"""Seconds between them."""


class Http01:
    """Answers http-01 through one end server."""

    def __init__(self, row: EndServer, server: Server, journal: Journal) -> None:
        self._row = row
        self._server = server
        self._journal = journal

    async def present(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Make each answer readable."""
        await together(self._present(answer, progress) for answer in answers)

    async def wait(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Look once or a few times, and tell. What this host sees is advice: the CA decides."""
        await together(self._look(answer, progress) for answer in answers)

    async def _present(self, answer: Answer, progress: Progress) -> None:
        token, content = answer.token, answer.key_authorization
        intent = {
            "webroot": answer.proof.webroot,
            **await self._server.intended(token, content),
        }
        (entry,) = await self._journal.intend(
            progress,
            "http-01",
            [(answer.fqdn, answer.value, intent)],
            challenges=[answer.challenge_id],
            server_id=self._row.id,
        )
        handle = await self._server.present(token, content, dict(entry.handle))
        await self._journal.presented(
            progress,
            [(entry, {**intent, **handle})],
            challenges=[answer.challenge_id],
            detail="file written",
            said=f"{answer.fqdn} is served by {self._row.name}",
        )

    async def _look(self, answer: Answer, progress: Progress) -> None:
        name = answer.identifier
        sight = await self._probe(answer)
        for _ in range(PROBES - 1):
            if sight.seen:
                break
            await asyncio.sleep(PAUSE)
            sight = await self._probe(answer)
        await progress.sights([answer.challenge_id], [sight])
        if sight.seen:
            await progress.log(f"{name}: the file can be read over HTTP", level="good")
        else:
            await progress.log(f"{name}: not seen from here: {sight.detail}", level="warn")

    async def _probe(self, answer: Answer) -> ServerSight:
        from kmtui.core.challenges.probe import check  # imports httpx

        probe = self._row.settings.get("probe")
        address: Address | None = parse_address(probe, field="probe") if probe else None
        sight = await check(
            answer.identifier, answer.token, answer.key_authorization, address=address
        )
        return replace(sight, name=self._row.name)
