"""Removing what was published, from the journal alone, so that it works after a crash too."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress

from kmtui.core.challenges.journal import Journal
from kmtui.core.dns import registry
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import Caps, TxtHandle
from kmtui.core.dns_accounts import DnsAccounts
from kmtui.core.end_servers import EndServers
from kmtui.core.errors import KmtuiError, Superseded
from kmtui.core.progress import Progress
from kmtui.model import CleanupEntry

CLEAN_UP_SECONDS = 60.0
"""What a provider's limit may hold removing up; what is left then is tried again later."""

REMOVED = "everything published was removed"
BUT_BY_HAND = f"{REMOVED}, except what was made by hand"


class CleanUp:
    """Removes exactly the values and files that kmtui noted before it made them."""

    def __init__(self, journal: Journal, dns: DnsAccounts, servers: EndServers) -> None:
        self._journal = journal
        self._dns = dns
        self._servers = servers

    async def run(self, progress: Progress) -> None:
        """Remove everything one request published; what fails is noted, never raised.

        Nothing is removed when another process has taken the request over: it needs the answers.
        """
        try:
            pending = await self._journal.pending_of(progress)
        except Superseded:
            return
        by_place: dict[tuple[str | None, str | None], list[CleanupEntry]] = defaultdict(list)
        for entry in pending:
            by_place[entry.dns_account_id, entry.server_id].append(entry)
        left = set(by_place)
        ends: list[str] = []

        async def remove(place: tuple[str | None, str | None]) -> None:
            end = await self._removed(by_place[place], progress)
            if end:
                left.discard(place)
                ends.append(end)
                last = BUT_BY_HAND if BUT_BY_HAND in ends else REMOVED
                said = "" if left else last
                await self._journal.gone(progress, by_place[place], said=said)

        await asyncio.gather(*map(remove, by_place))

    async def _removed(self, entries: list[CleanupEntry], progress: Progress) -> str:
        """What to say when nothing is left anywhere; empty when something is left here."""
        try:
            if not entries[0].dns_account_id:
                await self._remove_files(entries)
            elif (await self._remove_records(entries, progress)).by_hand:
                return BUT_BY_HAND
        except KmtuiError as error:
            for entry in entries:
                await self._journal.kept(entry, error.message)
            await progress.log(
                f"not removed: {', '.join(entry.name for entry in entries)}: {error.message}",
                level="warn",
            )
            return ""
        return REMOVED

    async def _remove_records(self, entries: list[CleanupEntry], progress: Progress) -> Caps:
        async def tell(text: str) -> None:
            with suppress(Superseded):
                await progress.log(text)

        wanted = entries[0].dns_account_id or ""
        known = {account.id: account for account in await self._dns.recent.all()}
        opened = await self._dns.open(known.get(wanted) or await self._dns.get(wanted))
        with patience(CLEAN_UP_SECONDS, tell):
            await opened.provider.remove([TxtHandle(**entry.handle) for entry in entries])
        return registry.provider_class(opened.account.provider).caps

    async def _remove_files(self, entries: list[CleanupEntry]) -> None:
        server = await self._servers.open(await self._servers.get(entries[0].server_id or ""))
        for entry in entries:
            await server.clean_up(dict(entry.handle))
