"""The record of one request's way: each step committed, then told to whoever watches.

Every write carries the fencing number under which the request was taken up: when another process
has taken it over since, the write is refused (Superseded) and the work here stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from kmtui.core import ledger, saving
from kmtui.core.context import Context
from kmtui.core.decisions import decide
from kmtui.core.errors import DatabaseError, KmtuiError, NotFound, Refused, Superseded
from kmtui.core.events import CertificateChanged, ChallengeChanged, RequestChanged, RequestLogged
from kmtui.core.inspection import Facts
from kmtui.core.owners import described
from kmtui.core.problems import counted, problem_of
from kmtui.db import challenges, request_log, requests, secrets, versions
from kmtui.model import Challenge, Request, RequestStatus, SaveMode, ServerSight


class Progress:
    """Writes where a request stands; `request` is its latest row."""

    def __init__(self, context: Context, request: Request, csr: bytes | None = None) -> None:
        """For a request that is claimed by this process; `csr` where it is at hand, DER."""
        self._context = context
        self.request = request
        self._csr = csr

    @classmethod
    async def claim(cls, context: Context, request_id: str) -> Progress:
        """Take a request up, whatever its status. Raises NotFound; Refused while another process
        that is alive works on it.
        """

        def take(session: Session) -> Request:
            request = requests.get(session, request_id)
            if request is None:
                raise NotFound(f"no request {request_id}")
            refuse_if_held(context, request)
            requests.claim(session, request_id, context.owners.me, held=request.attempt)
            return replace(request, owner=context.owners.me, attempt=request.attempt + 1)

        return cls(context, await context.db.write(take))

    async def release(self) -> None:
        """Let go of a request that is not at its end: whoever looks next may take it up."""

        def store(session: Session) -> None:
            self.hold(session)
            requests.update(session, self.request.id, owner=None)

        # What cannot be written is as good as let go: the owner's lock ends with its process.
        with suppress(Superseded, DatabaseError):
            await self._context.db.write(store)

    def hold(self, session: Session) -> None:
        """Make sure within a transaction that the request is still ours. Raises Superseded."""
        attempt, owner = requests.claimed(session, self.request.id)
        if attempt != self.request.attempt:
            raise Superseded(
                f"request {self.request.number} was taken over by {described(owner)}",
                hint="the work goes on there",
            )

    async def csr(self) -> bytes:
        """The signing request made with the key, DER."""
        if self._csr is not None:
            return self._csr
        return await self._context.db.read(lambda session: requests.csr(session, self.request.id))

    async def step(self, status: RequestStatus, text: str, **fields: Any) -> None:
        """Enter a status; `text` is the one line shown with it and goes to the log."""
        await self._enter(text, status=status, step=text, **fields)

    async def ordered(self, url: str, status: str, authority: str) -> None:
        """The CA accepted the order; it counts in the ledger."""
        request = self.request

        def count(session: Session) -> None:
            # A CA hands a pending order for the same names on to the next request.
            for number in requests.give_up_order(session, url, request.id):
                self._log(session, f"the CA goes on with the order of request #{number}")
            ledger.ordered(
                session,
                at=self._context.clock(),
                ca=authority,
                account_id=request.account_id or "",
                request_id=request.id,
            )

        await self._enter(
            f"order placed for {', '.join(request.names)}: {url}",
            "good",
            first=count,
            order_url=url,
            order_status=status,
            step="order placed",
            retries=0,
        )

    async def order_lost(self, why: str) -> None:
        """The order cannot be used any more: the next one is placed with the same key."""
        await self._enter(
            f"ordering anew: {why}",
            "warn",
            order_url=None,
            order_status=None,
            step="ordering anew",
        )

    async def without_predecessor(self, why: str) -> None:
        """The CA does not take the predecessor's name: the order goes on without it."""
        text = f"ordering without naming the predecessor: {why}"
        await self._enter(text, "warn", replaces=None)

    async def validation_failed(self, authority: str, name: str) -> None:
        """The CA was not convinced of a name; it counts in the ledger."""
        now = self._context.clock()
        await self._context.db.write(
            lambda session: ledger.failed(
                session, at=now, ca=authority, name=name, request_id=self.request.id
            )
        )

    async def log(
        self,
        text: str,
        *,
        level: str = "info",
        first: Callable[[Session], None] | None = None,
    ) -> None:
        """Add a line to the request's log; `first` joins the transaction."""
        await self._commit(text, level, first)
        self._context.bus.publish(RequestLogged(self.request.id))

    async def challenges(self, rows: Sequence[Challenge], *, answers: int) -> None:
        """Replace the request's challenges: an order's authorizations were read.

        As many `answers` are about to be published.
        """

        def store(session: Session) -> None:
            challenges.replace_all(session, self.request.id, rows)

        if answers:
            text = f"publishing {counted(answers, 'answer')}"
            await self._enter(text, first=store, status=RequestStatus.PRESENTING, step=text)
        else:
            await self._commit("", "info", store)
        self._context.bus.publish(ChallengeChanged(self.request.id))

    async def validating(self, challenge_ids: Sequence[str]) -> None:
        """The CA is about to be told to look at these challenges."""
        text = "the CA is checking"
        await self._enter(
            text,
            first=lambda session: self.change(
                session, challenge_ids, status="processing", detail="CA is checking"
            ),
            status=RequestStatus.VALIDATING,
            step=text,
        )
        self._context.bus.publish(ChallengeChanged(self.request.id))

    async def challenge(
        self,
        *challenge_ids: str,
        said: str = "",
        level: str = "info",
        first: Callable[[Session], None] | None = None,
        **fields: Any,
    ) -> None:
        """Change fields of challenges; `said` goes to the log; `first` joins the transaction."""
        await self._commit(
            said, level, first, lambda session: self.change(session, challenge_ids, **fields)
        )
        self._context.bus.publish(ChallengeChanged(self.request.id))
        if said:
            self._context.bus.publish(RequestLogged(self.request.id))

    def change(self, session: Session, challenge_ids: Sequence[str], **fields: Any) -> None:
        """Change fields of challenges within a transaction of somebody else's."""
        for challenge_id in challenge_ids:
            challenges.update(session, challenge_id, **fields)

    async def sights(
        self,
        challenge_ids: Sequence[str],
        sights: Sequence[ServerSight],
        *,
        task: str = "",
        said: str = "",
    ) -> None:
        """What each server shows of these answers now; `task` is what a person has to do for it."""
        seen = sum(sight.seen for sight in sights)
        await self.challenge(
            *challenge_ids,
            said=said,
            level="good",
            status="waiting",
            servers=tuple(sights),
            detail="; ".join(filter(None, [task, f"seen by {seen} of {len(sights)} servers"])),
        )

    async def issued(self, facts: Facts, chain_pem: str, authority: str) -> None:
        """The version, its key and the request's end in one commit; saved too where asked for."""
        request = self.request
        now = self._context.clock()
        always = request.spec.auto_save == SaveMode.ALWAYS

        def store(session: Session) -> dict[str, Any]:
            self.hold(session)
            key = secrets.find(session, "request", request.id, "certificate-key")
            version = versions.insert(
                session,
                facts.version(
                    certificate_id=request.certificate_id or "",
                    certificate=request.certificate or "",
                    request_id=request.id,
                    why=request.kind,
                    chain_pem=chain_pem,
                    issued_at=now,
                ),
                key_secret_id=key.id if key else None,
            )
            if always:
                saving.save(session, version, now)
            self._log(session, f"version {version.number} issued, serial {version.serial}", "good")
            fields = {
                "status": RequestStatus.SAVED if always else RequestStatus.AVAILABLE,
                "step": f"version {version.number} is {'saved' if always else 'available'}",
                "order_status": "valid",
                "version": version.number,
                "finished_at": now,
                "not_before": None,
                "problem": None,
            }
            requests.update(session, request.id, **fields)
            ledger.issued(session, at=now, ca=authority, names=request.names, request_id=request.id)
            self._context.record(
                session,
                request.kind,
                "certificate",
                request.certificate_id,
                request.certificate or "",
                detail=f"version {version.number}",
            )
            return fields

        await ledger.prepare()
        self._became(await self._context.db.write(store))
        self._context.bus.publish(
            RequestChanged(request.id),
            RequestLogged(request.id),
            CertificateChanged(request.certificate_id or ""),
        )

    async def stopped(self, status: RequestStatus, text: str, **fields: Any) -> None:
        """Somebody stopped the request, or set it aside."""
        request = self.request
        changed = {"status": status, "step": text, "owner": None, **fields}

        def store(session: Session) -> None:
            self.hold(session)
            requests.update(session, request.id, **changed)
            self._log(session, text, "warn")
            self._context.record(
                session, f"request {status}", "request", request.id, f"#{request.number}"
            )

        await self._context.db.write(store)
        self._became(changed)
        self._context.bus.publish(RequestChanged(request.id), RequestLogged(request.id))

    async def end_with(self, error: KmtuiError) -> None:
        """What stopped the request: it failed, or it is parked and taken up again later."""
        request = self.request
        problem = problem_of(error)
        now = self._context.clock()
        failures = await self._context.db.read(
            lambda session: requests.failures_in_a_row(session, request.certificate_id)
        )
        decision = decide(
            error, kind=request.kind, retries=request.retries, failures=failures, now=now
        )
        parked = decision.status == RequestStatus.PARKED

        changed = {
            "status": decision.status,
            "step": problem.what,
            "problem": replace(problem, where=problem.where or request.order_url or ""),
            "finished_at": None if parked else now,
            "not_before": decision.not_before,
            "retries": request.retries + 1 if parked else 0,
            "owner": None if parked else request.owner,
        }

        def store(session: Session) -> None:
            self.hold(session)
            requests.update(session, request.id, **changed)
            self._log(session, problem.what, "warn" if parked else "bad")
            self._context.record(
                session,
                request.kind,
                "certificate",
                request.certificate_id,
                request.certificate or "",
                "failed",
                f"{decision.status}: {problem.short_type}: {problem.what}",
            )

        await self._context.db.write(store)
        self._became(changed)
        self._context.bus.publish(
            RequestChanged(request.id),
            RequestLogged(request.id),
            CertificateChanged(request.certificate_id or ""),
        )

    async def _enter(
        self,
        text: str,
        level: str = "info",
        *,
        first: Callable[[Session], None] | None = None,
        **fields: Any,
    ) -> None:
        """Change fields of the request and say so in its log; `first` joins the transaction."""
        await self._commit(
            text,
            level,
            first,
            lambda session: requests.update(session, self.request.id, **fields),
        )
        self._became(fields)
        self._context.bus.publish(RequestChanged(self.request.id), RequestLogged(self.request.id))

    async def _commit(
        self, said: str, level: str, *changes: Callable[[Session], None] | None
    ) -> None:
        """Make the changes, in one transaction with a line of the log that says so."""

        def store(session: Session) -> None:
            self.hold(session)
            for change in changes:
                if change is not None:
                    change(session)
            if said:
                self._log(session, said, level)

        await self._context.db.write(store)

    def _log(self, session: Session, text: str, level: str = "info") -> None:
        request_log.append(
            session, self.request.id, at=self._context.clock(), level=level, text=text
        )

    def _became(self, fields: Mapping[str, Any]) -> None:
        """What was committed; nobody else writes a request that is ours, so it need not be read."""
        self.request = replace(self.request, **fields)


def refuse_if_held(context: Context, request: Request) -> None:
    """Raise Refused while another process that is alive works on a request."""
    others = request.owner if request.owner != context.owners.me else None
    if RequestStatus(request.status).active and context.owners.alive(others):
        raise Refused(
            f"{described(others)} works on request {request.number}",
            hint="wait for it, or end that process: the work goes on here then",
        )
