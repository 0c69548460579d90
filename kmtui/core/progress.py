"""The record of one request's way: each step committed, then told to whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.errors import NotFound
from kmtui.core.events import CertificateChanged, ChallengeChanged, RequestChanged, RequestLogged
from kmtui.core.inspection import Facts
from kmtui.db import certificates, challenges, request_log, requests, secrets, versions
from kmtui.model import Challenge, Problem, Request, RequestStatus, SaveMode, ServerSight, Version


class Progress:
    """Writes where a request stands; `request` is its latest row."""

    def __init__(self, context: Context, request: Request) -> None:
        self._context = context
        self.request = request

    @classmethod
    async def of(cls, context: Context, request_id: str) -> Progress:
        """The record of that request. Raises NotFound."""
        request = await context.db.read(lambda session: requests.get(session, request_id))
        if request is None:
            raise NotFound(f"no request {request_id}")
        return cls(context, request)

    async def csr(self) -> bytes:
        """The signing request made with the key, DER."""
        return await self._context.db.read(lambda session: requests.csr(session, self.request.id))

    async def step(self, status: RequestStatus, text: str, **fields: Any) -> None:
        """Enter a status; `text` is the one line shown with it and goes to the log."""

        def store(session: Session) -> None:
            self._update(session, status=status, step=text, **fields)
            self._log(session, text)

        await self._context.db.write(store)
        await self._reload()
        self._context.bus.publish(RequestChanged(self.request.id), RequestLogged(self.request.id))

    async def ordered(self, url: str, status: str, names: Sequence[str]) -> None:
        """The CA accepted the order."""

        def store(session: Session) -> None:
            self._update(session, order_url=url, order_status=status, step="order placed")
            self._log(session, f"order placed for {', '.join(names)}: {url}", "good")

        await self._context.db.write(store)
        await self._reload()
        self._context.bus.publish(RequestChanged(self.request.id), RequestLogged(self.request.id))

    async def log(self, text: str, *, level: str = "info") -> None:
        """Add a line to the request's log."""
        await self._context.db.write(lambda session: self._log(session, text, level))
        self._context.bus.publish(RequestLogged(self.request.id))

    async def challenges(self, rows: Sequence[Challenge]) -> None:
        """Replace the request's challenges: an order's authorizations were read."""
        await self._context.db.write(
            lambda session: challenges.replace_all(session, self.request.id, rows)
        )
        self._context.bus.publish(ChallengeChanged(self.request.id))

    async def challenge(self, challenge_id: str, **fields: Any) -> None:
        """Change fields of one challenge."""
        await self._context.db.write(
            lambda session: challenges.update(session, challenge_id, **fields)
        )
        self._context.bus.publish(ChallengeChanged(self.request.id))

    async def sights(self, challenge_ids: Sequence[str], sights: Sequence[ServerSight]) -> None:
        """What each server shows of these challenges' answers now."""
        seen = sum(sight.seen for sight in sights)
        detail = f"seen by {seen} of {len(sights)} servers"

        def store(session: Session) -> None:
            for challenge_id in challenge_ids:
                challenges.update(
                    session, challenge_id, status="waiting", servers=tuple(sights), detail=detail
                )

        await self._context.db.write(store)
        self._context.bus.publish(ChallengeChanged(self.request.id))

    async def issued(self, facts: Facts, chain_pem: str) -> None:
        """The version, its key and the request's end in one commit; saved too where asked for."""
        request = self.request
        now = self._context.clock()
        always = request.spec.auto_save == SaveMode.ALWAYS

        def store(session: Session) -> Version:
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
                versions.mark_saved(session, version.id, now)
            self._log(session, f"version {version.number} issued, serial {version.serial}", "good")
            self._update(
                session,
                status=RequestStatus.SAVED if always else RequestStatus.AVAILABLE,
                step=f"version {version.number} is {'saved' if always else 'available'}",
                order_status="valid",
                version=version.number,
                finished_at=now,
            )
            self._context.record(
                session,
                request.kind,
                "certificate",
                request.certificate_id,
                request.certificate or "",
                detail=f"version {version.number}",
            )
            return version

        await self._context.db.write(store)
        await self._reload()
        self._context.bus.publish(
            RequestChanged(request.id),
            RequestLogged(request.id),
            CertificateChanged(request.certificate_id or ""),
        )

    async def end_with(self, problem: Problem, *, not_before: datetime | None = None) -> None:
        """The request failed; or, with `not_before`, it is parked until then."""
        now = self._context.clock()
        parked = not_before is not None
        status = RequestStatus.PARKED if parked else RequestStatus.FAILED
        request = self.request

        def store(session: Session) -> None:
            where = problem.where or request.order_url or ""
            self._update(
                session,
                status=status,
                step=problem.what,
                problem=replace(problem, where=where),
                finished_at=None if parked else now,
                not_before=not_before,
            )
            self._log(session, problem.what, "bad")
            self._context.record(
                session,
                request.kind,
                "certificate",
                request.certificate_id,
                request.certificate or "",
                "failed",
                f"{problem.short_type}: {problem.what}",
            )

        await self._context.db.write(store)
        await self._reload()
        self._context.bus.publish(
            RequestChanged(request.id),
            RequestLogged(request.id),
            CertificateChanged(request.certificate_id or ""),
        )

    def _update(self, session: Session, **fields: Any) -> None:
        requests.update(session, self.request.id, **fields)
        if self.request.certificate_id:
            certificates.refresh(session, self.request.certificate_id)

    def _log(self, session: Session, text: str, level: str = "info") -> None:
        request_log.append(
            session, self.request.id, at=self._context.clock(), level=level, text=text
        )

    async def _reload(self) -> None:
        fresh = await self._context.db.read(lambda session: requests.get(session, self.request.id))
        if fresh is not None:
            self.request = fresh
