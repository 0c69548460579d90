"""Writes the past of the sample certificates: real certificates, and requests as they went."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from kmtui.core import inspection, keys, last_run
from kmtui.core.context import Context
from kmtui.core.decisions import decide
from kmtui.core.demo.challenges import DNS_ACCOUNT, proved
from kmtui.core.demo.failures import FAILURES, Failure
from kmtui.core.demo.inventory import SAMPLES, Attempt, Sample
from kmtui.core.demo.outlook import EXPLANATION, left_behind, suggested
from kmtui.core.sandbox import Sandbox
from kmtui.db import (
    activity,
    certificates,
    challenges,
    cleanup,
    dns,
    renewal,
    request_log,
    requests,
    versions,
)
from kmtui.model import (
    Account,
    Certificate,
    Request,
    RequestKind,
    RequestSpec,
    RequestStatus,
    SaveMode,
)

REASONS = {"keyCompromise": 1, "superseded": 4, "cessationOfOperation": 5}
TOOK = timedelta(seconds=9)
"""From a request to its version."""
SAVED_AFTER = timedelta(minutes=4)
"""From a version to the operator who saves it."""
CREATED_BEFORE = timedelta(seconds=1)
LAST_RUN = timedelta(minutes=41)


class Moment(NamedTuple):
    """Something that happened to a sample, and what writes it down."""

    at: datetime
    write: Callable[[Session], None]


@dataclass(frozen=True)
class Issued:
    """One version of a sample that the sandbox CA signed, and its key."""

    number: int
    at: datetime
    facts: inspection.Facts
    chain_pem: str
    key_pem: str


async def add_samples(context: Context, sandbox: Sandbox, account: Account, now: datetime) -> None:
    """Issue every sample's versions and store their past, in the order of time."""
    moments: list[Moment] = []
    for sample in SAMPLES:
        issued = await _issue(sandbox, account, sample, now)
        past = _Past(context, sandbox, account, sample, now)
        moments += await asyncio.to_thread(past.moments, issued)
    moments.sort(key=lambda moment: moment.at)

    def store(session: Session) -> None:
        for moment in moments:
            moment.write(session)
        # Somebody made the unattended run a while ago, as on any well-kept machine.
        made = now - LAST_RUN
        last_run.put(session, last_run.LastRun(at=made, actor=context.actor, due=1, renewed=1))

    await context.db.write(store)


async def _issue(sandbox: Sandbox, account: Account, sample: Sample, now: datetime) -> list[Issued]:
    """The sample's versions, oldest first."""
    found = []
    for number in range(1, sample.versions + 1):
        age = sample.age + sample.step * (sample.versions - number)
        at = now - timedelta(days=age)
        chain, key = await sandbox.issue_sample(
            sample.names, at, sample.days, sample.key_type, account_url=account.account_url or ""
        )
        facts = inspection.facts(inspection.parse_chain(chain)[0])
        if sample.revoked and sample.revoked[0] == number:
            sandbox.note_revoked(facts.serial, REASONS[sample.revoked[1]])
        found.append(Issued(number, at, facts, chain, key))
    return found


class _Past:
    """What happened to one sample, as moments to be written."""

    def __init__(
        self, context: Context, sandbox: Sandbox, account: Account, sample: Sample, now: datetime
    ) -> None:
        self._context = context
        self._base = sandbox.directory_url.removesuffix("/directory")
        self._sandbox = sandbox
        self._servers = sandbox.dns_resolvers.split(",")
        self._account = account
        self._sample = sample
        self._now = now
        self._id = str(uuid.uuid4())

    def moments(self, issued: Sequence[Issued]) -> list[Moment]:
        """Every request, version, saving, revocation and the archiving."""
        moments: list[Moment] = []
        for version in issued:
            moments += self._success(version, last=version is issued[-1])
        first_issued = issued[0].at if issued else self._now
        for turn, attempt in enumerate(self._sample.attempts):
            moments += self._attempt(attempt, first_issued, turn)
        if issued:
            moments.append(self._plan(issued))
        if self._sample.revoked:
            moments.append(self._revocation(issued))
        if self._sample.archived:
            moments.append(self._archiving(self._before_now(self._sample.archived)))
        begun = min(moment.at for moment in moments)
        return [self._creation(begun - CREATED_BEFORE), *moments]

    def _creation(self, at: datetime) -> Moment:
        sample = self._sample
        certificate = Certificate(
            id=self._id,
            name=sample.label,
            names=sample.names,
            account_id=self._account.id,
            account=self._account.name,
            ca=self._account.ca,
            key_type=sample.key_type,
            profile=None,
            auto_renew=sample.auto_renew and sample.archived is None,
            auto_save=sample.auto_save,
            created_at=at,
        )
        return Moment(at, lambda session: certificates.insert(session, certificate))

    def _success(self, issued: Issued, *, last: bool) -> list[Moment]:
        """Request, version and saving of one version."""
        saved = not (last and self._sample.unsaved)
        always = self._sample.auto_save == SaveMode.ALWAYS
        kind = RequestKind.ISSUE if issued.number == 1 else RequestKind.RENEW
        word = "saved" if saved else "available"
        request = self._request(
            issued.at - TOOK,
            kind,
            RequestStatus.SAVED if saved else RequestStatus.AVAILABLE,
            step=f"version {issued.number} is {word}",
            finished_at=issued.at,
            order_url=f"{self._base}/order/{uuid.uuid4().hex}",
            order_status="valid",
            version=issued.number,
        )
        version = issued.facts.version(
            certificate_id=self._id,
            certificate=self._sample.label,
            request_id=request.id,
            why=kind,
            chain_pem=issued.chain_pem,
            issued_at=issued.at,
        )

        def order(session: Session) -> None:
            self._insert(session, request, RequestStatus.AVAILABLE)
            done = f"version {issued.number} issued, serial {issued.facts.serial}"
            self._log(session, request, issued.at, done, "good")

        def issue(session: Session) -> None:
            secret = self._seal(session, request.id, issued.key_pem.encode())
            versions.insert(session, version, key_secret_id=secret)
            self._record(session, issued.at, kind, detail=f"version {issued.number}")
            if saved and always:
                versions.mark_saved(session, version.id, issued.at)

        def save(session: Session) -> None:
            versions.mark_saved(session, version.id, saved_at)
            self._record(session, saved_at, "save", detail=f"version {issued.number}")

        moments = [Moment(request.created_at, order), Moment(issued.at, issue)]
        saved_at = issued.at + SAVED_AFTER
        if saved and not always:
            moments.append(Moment(saved_at, save))
        return moments

    def _attempt(self, attempt: Attempt, first_issued: datetime, turn: int) -> list[Moment]:
        """A request that brought no version; `turn` attempts failed before it."""
        at = self._before_now(attempt.days_ago)
        kind = RequestKind.RENEW if at > first_issued else RequestKind.ISSUE
        failure = FAILURES.get(attempt.failure)
        problem = failure.problem(self._sample.names) if failure else None
        stage = failure.stage if failure else RequestStatus.ORDERING
        parked = attempt.status == RequestStatus.PARKED
        ended = at + TOOK
        request = self._request(
            at,
            kind,
            attempt.status,
            step=problem.what if problem else "cancelled",
            finished_at=None if parked else ended,
            not_before=self._again(failure, kind, turn, ended) if failure else None,
            retries=int(parked),
            order_url=None
            if stage == RequestStatus.ORDERING
            else f"{self._base}/order/{uuid.uuid4().hex}",
            order_status=None if stage == RequestStatus.ORDERING else "invalid",
            problem=problem,
        )
        # What is parked goes on later, with the key it began with.
        key = keys.generate(self._sample.key_type) if parked else None

        def write(session: Session) -> None:
            csr = keys.csr(self._sample.names, key) if key else None
            failed = failure.names if failure else 0
            self._insert(session, request, stage, failed=failed, csr=csr)
            if key:
                self._seal(session, request.id, keys.to_pem(key))
            text, level = (problem.what, "bad") if problem else ("cancelled", "warn")
            self._log(session, request, ended, text, level)

        def record(session: Session) -> None:
            if attempt.left:
                self._leave(session, request)
            if problem:
                detail = f"{problem.short_type}: {problem.what}"
                self._record(session, ended, kind, "failed", detail)

        return [Moment(at, write), Moment(ended, record)]

    def _again(
        self, failure: Failure, kind: RequestKind, turn: int, ended: datetime
    ) -> datetime | None:
        """When the next attempt is made, by the rules that hold for any request."""
        error = failure.raised(self._sample.names)
        return decide(error, kind=kind, retries=0, failures=turn, now=ended).not_before

    def _leave(self, session: Session, request: Request) -> None:
        name = self._sample.names[0]
        row = next(row for row in challenges.of(session, request.id) if row.identifier == name)
        account = dns.get(session, DNS_ACCOUNT)
        assert account is not None
        cleanup.insert(session, left_behind(row, account.id, self._servers[0], self._now))

    def _plan(self, issued: Sequence[Issued]) -> Moment:
        """When the CA would like the newest version in use renewed."""
        sample, now = self._sample, self._now
        current = issued[-2 if sample.unsaved and len(issued) > 1 else -1]
        if sample.window is not None:
            start, end = (now + timedelta(days=days) for days in sample.window)
            self._sandbox.note_window(current.facts.serial, (start, end), EXPLANATION)
        window = self._sandbox.window(current.facts.serial)
        plan = suggested(self._id, current.number, window, now, early=sample.window is not None)
        return Moment(now, lambda session: renewal.put(session, [plan]))

    def _revocation(self, issued: Sequence[Issued]) -> Moment:
        """Revoked when its successor was saved; the newest one, after half of its days so far."""
        assert self._sample.revoked
        number, reason = self._sample.revoked
        successor = next((v for v in issued if v.number == number + 1), None)
        halfway = self._before_now(self._sample.age / 2)
        at = successor.at + 2 * SAVED_AFTER if successor else halfway
        serial = issued[number - 1].facts.sha256

        def write(session: Session) -> None:
            version = versions.by_sha256(session, serial)
            assert version is not None
            versions.mark_revoked(session, version.id, at, reason)
            self._record(session, at, "revoke", detail=f"version {number}, {reason}")

        return Moment(at, write)

    def _archiving(self, at: datetime) -> Moment:
        def write(session: Session) -> None:
            certificates.archive(session, self._id, at)
            self._record(session, at, "archive")

        return Moment(at, write)

    def _request(
        self,
        at: datetime,
        kind: RequestKind,
        status: RequestStatus,
        **fields: object,
    ) -> Request:
        spec = RequestSpec(
            names=self._sample.names,
            account=self._account.id,
            key_type=self._sample.key_type,
            label=self._sample.label,
            auto_save=self._sample.auto_save,
        )
        return Request(
            id=str(uuid.uuid4()),
            number=0,
            kind=kind,
            certificate_id=self._id,
            certificate=self._sample.label,
            names=self._sample.names,
            account_id=self._account.id,
            account=self._account.name,
            status=status,
            created_at=at,
            spec=spec,
            **fields,  # type: ignore[arg-type]
        )

    def _insert(
        self,
        session: Session,
        request: Request,
        stage: RequestStatus,
        *,
        failed: int = 0,
        csr: bytes | None = None,
    ) -> None:
        """The request, its challenges, and its log as far as it came."""
        number = requests.insert(session, request, csr=csr)
        self._record(
            session, request.created_at, f"request {request.kind}", "started", f"#{number}"
        )
        rows = proved(request, stage, self._servers, failed=failed)
        challenges.replace_all(session, request.id, rows)
        names = ", ".join(request.names)
        answers = len(request.names)
        begun = f"{request.kind} {names} with {request.account}"
        lines = [(0, "info", begun), (1, "info", f"ordering {answers} names")]
        if rows:
            lines += [
                (2, "good", f"order placed for {names}: {request.order_url}"),
                (3, "info", f"publishing {answers} answers"),
                (4, "info", "waiting until every answer can be seen"),
            ]
        if stage != RequestStatus.PROPAGATING and rows:
            lines.append((6, "info", "the CA is checking"))
        lines += [
            (7, "good", f"{row.identifier} {row.type} valid")
            if row.status == "valid"
            else (7, "bad", f"{row.identifier} refused: {row.detail}")
            for row in rows
            if row.status in ("valid", "invalid")
        ]
        if stage == RequestStatus.AVAILABLE:
            lines.append((8, "info", "waiting for the CA to issue"))
        for seconds, level, text in lines:
            at = request.created_at + timedelta(seconds=seconds)
            self._log(session, request, at, text, level)

    def _log(self, session: Session, request: Request, at: datetime, text: str, level: str) -> None:
        request_log.append(session, request.id, at=at, level=level, text=text)

    def _record(
        self,
        session: Session,
        at: datetime,
        action: str,
        outcome: str = "ok",
        detail: str = "",
    ) -> None:
        activity.append(
            session,
            at=at,
            actor=self._context.actor,
            action=action,
            object_type="certificate",
            object_id=self._id,
            object_name=self._sample.label,
            outcome=outcome,
            detail=detail,
        )

    def _seal(self, session: Session, request_id: str, key_pem: bytes) -> str:
        return self._context.secrets.seal(
            session,
            owner_table="request",
            owner_id=request_id,
            kind="certificate-key",
            value=key_pem,
        )

    def _before_now(self, days: float) -> datetime:
        return self._now - timedelta(days=days)
