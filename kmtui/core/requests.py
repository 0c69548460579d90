"""Requests: checked, created with key and signing request, started, retried, cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from kmtui.core.accounts import Accounts
from kmtui.core.advisory import Advisory
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.challenges.solvers import Solvers
from kmtui.core.context import Context
from kmtui.core.decisions import COME_BACK
from kmtui.core.errors import NotFound, Refused
from kmtui.core.events import RequestChanged
from kmtui.core.intake import Intake
from kmtui.core.issuance import Issuance
from kmtui.core.jobs import Jobs
from kmtui.core.owners import described
from kmtui.core.planning import Proof
from kmtui.core.progress import Progress, refuse_if_held
from kmtui.db import challenges, cleanup, request_log, requests
from kmtui.model import (
    Challenge,
    CheckLine,
    ListQuery,
    LogLine,
    Request,
    RequestKind,
    RequestSpec,
    RequestStatus,
)

PATIENCE = 600.0
"""Seconds for which another process is waited for; it may have been stopped, and ask for hours."""
LOOK_AGAIN = 1.0
"""Seconds between two looks at what another process works on."""


class Requests:
    """Attempts to get a version, each with its own key."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        solvers: Solvers,
        jobs: Jobs,
        advisory: Advisory,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._advisory = advisory
        self._intake = Intake(context, cas, accounts, solvers)
        self._issuance = Issuance(context, cas, accounts, solvers)

    async def page(self, query: ListQuery) -> list[Request]:
        """One page of the list, newest first by default."""
        return await self._context.db.read(lambda session: requests.page(session, query))

    async def count(self, query: ListQuery) -> int:
        """How many requests the query matches."""
        return await self._context.db.read(lambda session: requests.count(session, query))

    async def counts(self) -> dict[str, int]:
        """How many requests have each status that any has, and how many there are (`total`)."""
        return await self._context.db.read(requests.counts)

    async def get(self, word: str) -> Request:
        """The request of that id or number. Raises NotFound."""
        found = await self._context.db.read(lambda session: requests.get(session, word))
        if found is None:
            raise NotFound(f"no request {word}", hint="kmtui request list shows them")
        return found

    async def challenges(self, word: str) -> list[Challenge]:
        """The challenges of a request, in the order of its names."""
        request = await self.get(word)
        rows = await self._context.db.read(lambda session: challenges.of(session, request.id))
        place = {name: position for position, name in enumerate(request.names)}
        return sorted(rows, key=lambda row: place.get(row.identifier, len(place)))

    async def log(self, word: str) -> list[LogLine]:
        """The log of a request, oldest first."""
        request = await self.get(word)
        return await self._context.db.read(lambda session: request_log.of(session, request.id))

    async def leftovers(self) -> int:
        """How many published records and files wait to be removed."""
        return await self._context.db.read(cleanup.count_pending)

    def is_running(self, request_id: str) -> bool:
        """Whether this process works on the request now."""
        return self._jobs.is_running(_job(request_id))

    async def some(self, ids: Sequence[str]) -> list[Request]:
        """The requests of these ids that there are, newest first."""
        return await self._context.db.read(lambda session: requests.some(session, ids))

    def held_by(self, request: Request) -> str:
        """``process 4711`` where another living process works on a request; empty else."""
        owners = self._context.owners
        elsewhere = RequestStatus(request.status).active and request.owner != owners.me
        return described(request.owner) if elsewhere and owners.alive(request.owner) else ""

    def is_elsewhere(self, request: Request) -> bool:
        """Whether another process took a request up and has not ended it, alive or not by now."""
        status = RequestStatus(request.status)
        under_way = status.active and status != RequestStatus.PARKED
        return under_way and request.owner != self._context.owners.me

    async def check(self, spec: RequestSpec) -> list[CheckLine]:
        """What can be told before sending: every complaint and every name's way. Advisory."""
        return await self._intake.check(spec)

    async def advise(self, spec: RequestSpec) -> list[CheckLine]:
        """What a look at the DNS tells before sending; False marks what no CA could get past.

        Raises as `create` does for what cannot work at all.
        """
        account, proofs = await self._intake.planned(spec)
        return await self._advisory.look(proofs, account)

    async def proofs(self, spec: RequestSpec) -> dict[str, Proof]:
        """How each name will be proved; raises as `create` for what cannot work at all."""
        _, proofs = await self._intake.planned(spec)
        return proofs

    async def create(
        self,
        spec: RequestSpec,
        *,
        kind: RequestKind = RequestKind.ISSUE,
        start: bool = True,
        certificate_id: str | None = None,
        replaces: str | None = None,
        after_version: int | None = None,
        forced: bool = False,
    ) -> Request:
        """Commit the request with its key and signing request, then start it.

        `replaces` names the predecessor to the CA (RFC 9773 section 5). With `after_version` it is
        refused when a newer version was issued meanwhile, so that two processes never renew twice.
        `forced` passes over the local count of rate limits. Raises InvalidInput naming the field,
        NotFound, Refused, VaultLocked.
        """
        self._context.access.require_change()
        progress = await self._intake.commit(
            await self._intake.checked(spec),
            kind,
            start=start,
            certificate_id=certificate_id,
            replaces=replaces,
            after_version=after_version,
            forced=forced,
        )
        if start:
            self._start(progress)
        return progress.request

    async def draft(self, spec: RequestSpec) -> Request:
        """Keep a form as it is, to be sent later."""
        self._context.access.require_change()
        return await self._intake.draft(spec)

    async def drop(self, word: str) -> None:
        """Remove a draft."""
        self._context.access.require_change()
        request = await self.get(word)
        if request.status != RequestStatus.DRAFT:
            raise Refused(f"request {request.number} is {request.status}: only drafts are dropped")
        await self._context.db.write(lambda session: requests.delete(session, request.id))
        self._context.bus.publish(RequestChanged(request.id))

    async def retry(self, word: str, *, forced: bool = False) -> Request:
        """Try again: a failed request gets a new attempt, a cut-off one goes on where it stood."""
        self._context.access.require_change()
        request = await self.get(word)
        status = RequestStatus(request.status)
        if status == RequestStatus.DRAFT:
            sent = await self.create(request.spec, forced=forced)
            await self.drop(request.id)
            return sent
        if status.active:
            refuse_if_held(self._context, request)
            self.take_up(request)
            return request
        if status in (RequestStatus.AVAILABLE, RequestStatus.SAVED):
            raise Refused(
                f"request {request.number} ended well: version {request.version} was issued",
                hint="renew the certificate for a new version",
            )
        again = await self._intake.commit(
            await self._intake.checked(request.spec),
            RequestKind(request.kind),
            start=True,
            certificate_id=request.certificate_id,
            retry_of=request,
            replaces=request.replaces,
            forced=forced,
        )
        self._start(again)
        return again.request

    def _start(self, progress: Progress) -> None:
        """Work on a request that was claimed when it was committed."""
        self._jobs.start(_job(progress.request.id), lambda: self._issuance.work(progress))

    def take_up(self, request: Request) -> None:
        """Work on a request in this process from now on; one that is worked on goes on as it is."""
        self._jobs.start(_job(request.id), lambda: self._issuance.obtain(request.id))

    async def unfinished(self) -> list[Request]:
        """Requests that are under way or parked and that no living process works on."""
        active = await self._context.db.read(requests.active)
        others = {request.owner for request in active} - {None, self._context.owners.me}
        alive = {owner for owner in others if self._context.owners.alive(owner)}
        return [
            request
            for request in active
            if request.owner not in alive and not self.is_running(request.id)
        ]

    async def clean_up(self, request_id: str) -> None:
        """Remove what a request published and nobody needs any more. Raises Refused, NotFound."""
        await self._issuance.clean_up(request_id)

    async def cancel(self, word: str) -> Request:
        """Stop a request that is under way and remove what it published."""
        self._context.access.require_change()
        request = await self.get(word)
        if not RequestStatus(request.status).active:
            raise Refused(f"request {request.number} is {request.status}: nothing to cancel")
        return await self._stop(
            request, RequestStatus.CANCELLED, "cancelled", finished_at=self._context.clock()
        )

    async def park(self, word: str) -> Request:
        """Set a request aside that the CA or a name server keeps waiting; `retry` takes it up."""
        self._context.access.require_change()
        request = await self.get(word)
        status = RequestStatus(request.status)
        if not status.active or status == RequestStatus.PARKED:
            return request
        not_before = self._context.clock() + COME_BACK
        return await self._stop(
            request, RequestStatus.PARKED, f"set aside while {request.step}", not_before=not_before
        )

    async def _stop(
        self, request: Request, status: RequestStatus, step: str, **fields: Any
    ) -> Request:
        # The job first: it would else write one more step over the new status. It cleans up too.
        cleaned = self.is_running(request.id)
        await self._jobs.cancel(_job(request.id))
        progress = await Progress.claim(self._context, request.id)
        if RequestStatus(progress.request.status).active:
            await progress.stopped(status, step, **fields)
            if not cleaned:
                await self._issuance.clean_up(request.id)
        return await self.get(request.id)

    async def wait(self, word: str, *, seconds: float | None = None) -> Request:
        """Wait until this process has done what it can; the request as it is then."""
        request = await self.get(word)
        await self.ended(request.id, seconds=seconds)
        return await self.get(request.id)

    async def see_through(self, word: str, *, seconds: float | None = None) -> Request:
        """As `wait`, and for another process, too, that was faster to take the request up.

        When that process dies, the request goes on here. One that it does not end within `seconds`,
        by default within `PATIENCE`, is left to it (see `is_elsewhere`).
        """
        until = time.monotonic() + (PATIENCE if seconds is None else seconds)
        request = await self.wait(word, seconds=seconds)
        while self.is_elsewhere(request) and (left := until - time.monotonic()) > 0:
            if not self._context.owners.alive(request.owner):
                self.take_up(request)
            await asyncio.sleep(min(LOOK_AGAIN, left))
            request = await self.wait(word, seconds=None if seconds is None else left)
        return request

    async def ended(self, request_id: str, *, seconds: float | None = None) -> bool:
        """Wait as `wait`, for an id and without reading; whether the work ended in time."""
        return await self._jobs.wait(_job(request_id), seconds=seconds)


def _job(request_id: str) -> str:
    return f"request:{request_id}"
