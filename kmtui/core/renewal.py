"""Renewing: the unattended run, and by hand.

The run judges every certificate (`core.due`), takes up what was cut off, asks CAs for their windows
where it is time to, and makes one request for each certificate that is due. It may be started as
often as one likes, by several processes at once: one of them works, and what is under way, or was
renewed meanwhile, is left alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlmodel import Session

from kmtui.core import authorities
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.clockguard import ClockGuard
from kmtui.core.context import Context
from kmtui.core.deployment.queue import Deployments
from kmtui.core.due import choose, judge
from kmtui.core.locks import FOLDER, FileLock, holder
from kmtui.core.recovery import Recovery
from kmtui.core.requests import Requests
from kmtui.core.successors import Outcome, Successors, own_csr_hint
from kmtui.core.together import together
from kmtui.core.windows import Windows
from kmtui.db import accounts, certificates, renewal
from kmtui.model import Account, Authority, Certificate, RequestStatus, Target, Verdict

LOCK = "renew.lock"

Chosen = Callable[[Session], list[Certificate]]
"""Which certificates are judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRun:
    """What an unattended run found and did."""

    verdicts: tuple[Verdict, ...] = ()
    """On every certificate that is not archived, as judged before anything was started."""
    outcomes: tuple[Outcome, ...] = ()
    """Of those that were renewed, and of the requests that were cut off before, whoever took them
    up; but for those that another process still works on."""
    put_off: int = 0
    """How many due ones are left for the next run."""
    deployed: tuple[Target, ...] = ()
    """Targets that something was due at, as they are now; `error` says what did not go well."""
    purged: tuple[Certificate, ...] = ()
    """Deleted certificates whose keys were destroyed, thirty days later."""
    notified: str = ""
    """What operators were told: `alarm` or `digest`; empty when there was nothing to tell."""
    notes: tuple[str, ...] = ()
    """What an operator should read: alarms and warnings, a sentence each."""
    held_by: int | None = None
    """Process id of another run at work; this one did nothing. 0 when it is not known."""


class Renewal:
    """Gets new versions of certificates."""

    def __init__(
        self,
        context: Context,
        data: Path,
        cas: CertificateAuthorities,
        requests_: Requests,
        recovery: Recovery,
        deployments: Deployments,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._lock = data / FOLDER / LOCK
        self._cas = cas
        self._requests = requests_
        self._recovery = recovery
        self._deployments = deployments
        self._windows = Windows(context, cas, chance)
        self.successors = Successors(context, requests_, self._windows)
        """What makes the requests; reissues and moves are successors, too."""
        self._guard = ClockGuard(context, cas)

    async def verdicts(self) -> list[Verdict]:
        """Whether each certificate that is not archived is renewed now, the first due first.

        For the whole inventory: 7 s for 100,000.
        """
        return await self._verdicts(renewal.watched)

    async def verdicts_of(self, ids: Sequence[str]) -> list[Verdict]:
        """Whether each of these is renewed now, in their order; archived ones are left out."""
        return await self._verdicts(lambda session: renewal.watched_of(session, ids))

    async def candidates(self) -> list[Verdict]:
        """The verdict on each whose time has come: that it is due, or what is in the way."""
        now = self._context.clock()
        return await self._verdicts(lambda session: renewal.due(session, now))

    async def verdict(self, word: str) -> Verdict:
        """Whether that certificate is renewed now. Raises NotFound, Ambiguous."""
        (verdict,) = await self._verdicts(lambda session: [certificates.get(session, word)])
        return verdict

    async def run(self, *, limit: int | None = None, dry_run: bool = False) -> RenewalRun:
        """One unattended run; with `dry_run` only the verdicts, changing and asking nothing.

        `limit` is how many are renewed at most, and says that so many at once are no surprise.
        Raises Refused when the clock cannot be right, ReadOnly, VaultLocked.
        """
        if dry_run:
            return RenewalRun(verdicts=tuple(await self.verdicts()))
        self._context.access.require_change()
        lock = FileLock.take(self._lock)
        if lock is None:
            return RenewalRun(held_by=holder(self._lock) or 0)
        with lock:
            return await self._run(limit)

    async def renew(
        self, words: Sequence[str], *, force: bool = False, start: bool = True
    ) -> list[Outcome]:
        """Start a renewal of each certificate now, due or not; `wait` waits for them.

        `force` passes over our own count of the CA's limits; without `start` the requests are left
        queued. Raises NotFound or Ambiguous before anything is started; what stands in the way of
        one is its outcome.
        """
        self._context.access.require_change()

        def named(session: Session) -> dict[str, Certificate]:
            found = (certificates.get(session, word) for word in words)
            return {certificate.id: certificate for certificate in found}

        wanted = await self._context.db.read(named)
        return await self.successors.start(list(wanted.values()), force=force, start=start)

    async def wait(
        self, outcomes: Iterable[Outcome], *, seconds: float | None = None
    ) -> list[Outcome]:
        """The outcomes once this process has done what it can, or `seconds` have passed.

        What another process was faster to take up is waited for, and gone on with when it dies.
        New versions get their plan at once, and their CA is asked for the window.
        """

        async def one(outcome: Outcome) -> Outcome:
            if outcome.request is None:
                return outcome
            request = await self._requests.see_through(outcome.request.id, seconds=seconds)
            return replace(outcome, request=request)

        ended = await together(one(outcome) for outcome in outcomes)
        saved = {
            outcome.certificate.id
            for outcome in ended
            if outcome.request and outcome.request.status == RequestStatus.SAVED
        }
        if saved:
            await self._windows.plan()
            await self._windows.refresh(only=saved)
        return ended

    async def _run(self, limit: int | None) -> RenewalRun:
        """The run of whoever holds the lock."""
        known = await self._known()
        await self._guard.check(account.ca for account in known.accounts.values())
        taken_up = await self._taken_up()
        await self._windows.plan()
        await self._windows.refresh()
        judged = await self._judged(known, renewal.watched)
        due = [certificate for certificate, verdict in judged if verdict.due]
        clocks = await self._guard.compare(row.ca for row in due if row.ca)
        chosen, alarm = choose(
            due, len(judged), self._context.clock(), limit=limit, confirmed=clocks.agreeing
        )
        started = await self._started([row for row in chosen if row.ca not in clocks.refused])
        refused = [
            Outcome(certificate=row, error=clocks.refused[row.ca or ""])
            for row in chosen
            if row.ca in clocks.refused
        ]
        ended = [
            outcome
            for outcome in await self.wait([*taken_up, *started])
            # What another process still works on after so long is told there.
            if outcome.request is None or not self._requests.is_elsewhere(outcome.request)
        ]
        if not clocks.refused:
            await self._guard.believe()
        if alarm:
            await self._record(alarm)
        return RenewalRun(
            verdicts=tuple(verdict for _, verdict in judged),
            outcomes=(*ended, *refused),
            put_off=len(due) - len(chosen),
            deployed=tuple(await self._deployments.settled()),
            notes=(*([alarm] if alarm else []), *clocks.warnings),
        )

    async def _taken_up(self) -> list[Outcome]:
        """What was cut off before and goes on now."""
        requests = (await self._recovery.run()).requests

        def having(session: Session) -> list[Outcome]:
            return [
                Outcome(certificate=certificates.get(session, each.certificate_id), request=each)
                for each in requests
                if each.certificate_id is not None
            ]

        return await self._context.db.read(having) if requests else []

    async def _verdicts(self, chosen: Chosen) -> list[Verdict]:
        return [verdict for _, verdict in await self._judged(await self._known(), chosen)]

    async def _judged(self, known: _Known, chosen: Chosen) -> list[tuple[Certificate, Verdict]]:
        """Each of the chosen certificates, and its verdict, as of one moment."""
        now = self._context.clock()

        def judged(session: Session) -> list[tuple[Certificate, Verdict]]:
            rows = chosen(session)
            ids = [row.id for row in rows]
            plans, attempts = renewal.plans(session, ids), renewal.attempts(session, ids)

            def verdict(row: Certificate, obstacle: str) -> Verdict:
                tried = attempts.get(row.id, ())
                return judge(row, plans.get(row.id), tried, now, obstacle=obstacle)

            found = [(row, verdict(row, known.bar(row))) for row in rows]
            due = [row.id for row, judged in found if judged.due]
            by_csr = renewal.with_key_elsewhere(session, due)
            return [
                (row, verdict(row, own_csr_hint(row)) if row.id in by_csr else judged)
                for row, judged in found
            ]

        return await self._context.db.read(judged)

    async def _record(self, alarm: str) -> None:
        """Alarms stay in the audit trail: nobody may have read what a timer's run printed."""

        def store(session: Session) -> None:
            self._context.record(session, "renew", "inventory", None, "", "failed", alarm)

        await self._context.db.write(store)

    async def _started(self, chosen: Sequence[Certificate]) -> list[Outcome]:
        """A request for each, but for those that somebody else renewed in this very moment."""
        outcomes = await self.successors.start(chosen)
        return [
            outcome
            for outcome in outcomes
            if outcome.error is None or (await self.verdict(outcome.certificate.id)).due
        ]

    async def _known(self) -> _Known:
        """The accounts and CAs that stand behind the certificates."""
        cas = {authority.name: authority for authority in await self._cas.all()}
        found = await self._context.db.read(accounts.list_all)
        return _Known({account.id: account for account in found}, cas)


@dataclass(frozen=True, slots=True)
class _Known:
    """Accounts by id and CAs by name."""

    accounts: dict[str, Account]
    cas: dict[str, Authority]

    def bar(self, certificate: Certificate) -> str:
        """What keeps a certificate from being renewed with its account; empty for nothing."""
        account = self.accounts.get(certificate.account_id or "")
        if account is None:
            return f"it has no account; kmtui cert set {certificate.name} --account A gives it one"
        authority = self.cas.get(account.ca)
        if authority is None:
            return f"its CA {account.ca} is not known here any more"
        if account.status != "valid":
            return f"its account {account.name} is {account.status} at {authority.title}"
        if ended := authorities.retirement(authority):
            return f"{ended}; kmtui cert move {certificate.name} --account A takes it elsewhere"
        return ""
