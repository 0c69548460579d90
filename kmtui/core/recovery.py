"""Taking up what was cut off: acts on accounts, requests, deployments, what they left published.

A process may end at any moment, by a signal, a crash or a power cut. Everything it was about to do
was written down first, so whoever looks next goes on: with the same key, with the order as the CA
has it, and with the journal of what was published.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from kmtui.core.accounts import Accounts, TakenUp
from kmtui.core.context import Context
from kmtui.core.deployment.queue import Deployments
from kmtui.core.errors import KmtuiError, Refused
from kmtui.core.events import Event, VaultChanged
from kmtui.core.requests import Requests
from kmtui.core.together import together
from kmtui.db import cleanup
from kmtui.model import CleanupEntry, Request, RequestStatus, Target

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two looks while a screen is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What one look found and did."""

    requests: tuple[Request, ...] = ()
    """Taken up: they go on as jobs."""
    waiting: tuple[Request, ...] = ()
    """Parked until later."""
    cleaned: int = 0
    """Published answers that were removed."""
    left: int = 0
    """Published answers that are still there, or may be."""
    targets: tuple[Target, ...] = ()
    """Where something is to be deployed to: they go on as jobs."""
    accounts: tuple[TakenUp, ...] = ()
    """Whose change of key or deactivation was taken up, and came to its end or did not."""


class Recovery:
    """Looks for unfinished work, once or for as long as a screen is open."""

    def __init__(
        self, context: Context, accounts: Accounts, requests: Requests, deployments: Deployments
    ) -> None:
        self._context = context
        self._accounts = accounts
        self._requests = requests
        self._deployments = deployments
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> Recovered:
        """Take up every request and deployment whose time has come, and remove what ended requests
        left; acts on accounts first, because requests are signed by them.

        Raises VaultLocked, ReadOnly.
        """
        self._context.access.require_change()
        accounts = await self._accounts.take_up()
        now = self._context.clock()
        found = await self._requests.unfinished()
        ready = [each for each in found if each.not_before is None or each.not_before <= now]
        for request in ready:
            self._requests.take_up(request)
        targets = await self._deployments.take_up()
        due = await self._context.db.read(lambda session: cleanup.due(session, now))
        removed = await self._remove(due)
        return replace(
            removed,
            requests=tuple(ready),
            waiting=tuple(each for each in found if each not in ready),
            targets=tuple(targets),
            accounts=tuple(accounts),
        )

    async def clean_up(self) -> Recovered:
        """Remove what earlier requests left, without waiting for the next attempt's time.

        Raises VaultLocked, ReadOnly.
        """
        self._context.access.require_change()
        return await self._remove(await self.leftovers())

    async def leftovers(self) -> list[CleanupEntry]:
        """What was published and is not known to be gone, oldest first."""
        return await self._context.db.read(cleanup.pending)

    async def left_behind(self) -> list[CleanupEntry]:
        """The leftovers that no request is about to remove at its own end, oldest first."""
        entries = await self._context.db.read(cleanup.left_behind)
        return [entry for entry in entries if not self._requests.is_running(entry.request_id)]

    async def _remove(self, entries: Sequence[CleanupEntry]) -> Recovered:
        """Remove what nobody needs: a request that goes on cleans up by itself at its end."""
        by_request: dict[str, list[CleanupEntry]] = defaultdict(list)
        for entry in entries:
            by_request[entry.request_id].append(entry)
        await together(self._clean_up_one(*each) for each in by_request.items())
        left = await self.leftovers()
        gone = {entry.id for entry in entries} - {entry.id for entry in left}
        return Recovered(cleaned=len(gone), left=len(left))

    async def _clean_up_one(self, request_id: str, entries: Sequence[CleanupEntry]) -> None:
        if self._requests.is_running(request_id):
            return
        request = await self._requests.get(request_id)
        if request.status == RequestStatus.PARKED and all(e.state != "failed" for e in entries):
            return  # kept on purpose: the CA may still look
        owners = self._context.owners
        elsewhere = request.owner != owners.me and owners.alive(request.owner)
        if elsewhere and any(entry.state != "failed" for entry in entries):
            return  # its owner is about to do it
        with suppress(Refused):
            await self._requests.clean_up(request_id)

    def keep_looking(self) -> None:
        """Look now, whenever the vault opens, and every half a minute, until `close`."""
        if self._task is None:
            self._task = asyncio.create_task(self._look(), name="recovery")

    async def _look(self) -> None:
        opened = asyncio.Event()

        def heard(event: Event) -> None:
            if isinstance(event, VaultChanged):
                opened.set()

        unsubscribe = self._context.bus.subscribe(heard)
        try:
            while True:
                if self._context.access.mode == "RW":
                    try:
                        await self.run()
                    except KmtuiError as error:
                        log.warning("looking for unfinished work: %s", error.message)
                opened.clear()
                try:
                    async with asyncio.timeout(EVERY):
                        await opened.wait()
                except TimeoutError:
                    continue
        finally:
            unsubscribe()

    async def close(self) -> None:
        """Stop looking; jobs that were started go on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
