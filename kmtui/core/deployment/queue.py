"""Deployments: what is due is put where it belongs, by hand or by itself, independent of issuance.

A saved version is wanted at every target of its certificate from the same commit on. Whoever looks
next does the work: this process at once, a screen every half a minute, `resume`, `renew --due`. A
target that another living process works on is left to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.deployment import proof
from kmtui.core.deployment.attempt import Attempt, is_held
from kmtui.core.deployment.deployer import Deployer, Prove, refuse_useless
from kmtui.core.errors import DatabaseError, NotFound, Refused, VaultLocked
from kmtui.core.events import CertificateChanged, Event, TargetChanged
from kmtui.core.jobs import Jobs
from kmtui.core.targets import Targets
from kmtui.core.together import together
from kmtui.db import certificates, targets, versions
from kmtui.model import Served, Target, TargetState, Version

AT_ONCE = 8
"""Deployments at a time: each has a connection and waits for commands there."""
LOOKING = "deployments"
"""Name of the job that looks what is due."""

log = logging.getLogger(__name__)


class Deployments:
    """Puts versions to targets, as jobs."""

    def __init__(
        self,
        context: Context,
        targets_: Targets,
        deployer: Deployer,
        jobs: Jobs,
        prove: Prove = proof.prove,
    ) -> None:
        self._context = context
        self._targets = targets_
        self._deployer = deployer
        self._jobs = jobs
        self._prove = prove
        self._room = asyncio.Semaphore(AT_ONCE)
        self._servers: dict[str, asyncio.Lock] = {}
        """One at a time on each end server: they check and reload the same programs."""
        self._asked: set[str] = set()
        """Targets that are to be looked at, by a job of theirs."""
        self._worked_on: set[str] = set()
        """Targets that had an attempt here since somebody asked for the outcome."""
        self._to_look = False
        context.bus.subscribe(self._heard)

    async def deploy(
        self,
        certificate: str,
        *,
        target: str | None = None,
        version: int | None = None,
        force: bool = False,
        action: str = "deploy by hand",
    ) -> list[Target]:
        """Start to put a version (the current one) to all targets of a certificate, or to one.

        `wait` waits for them. A version given stays wanted until another one is saved. `force`
        passes over that it expired or was revoked. Raises NotFound, Ambiguous; Refused for a
        version that nobody should serve, or while another process deploys to one of the targets.
        """
        self._context.access.require_change()
        chosen = await self._version(certificate, version)
        if not force:
            refuse_useless(chosen, self._context)
        wanted = (
            [await self._targets.get(chosen.certificate_id, target)]
            if target is not None
            else await self._targets.of_certificate(chosen.certificate_id)
        )
        if not wanted:
            raise NotFound(
                f"{chosen.certificate} has no targets",
                hint=f"kmtui target add {chosen.certificate} NAME --server S --dir DIR",
            )
        for each in wanted:
            if is_held(self._context, each):
                raise Refused(
                    f"another process deploys {each.certificate} to {each.name}",
                    hint="wait until that has ended, then try again",
                )
        ids = [each.id for each in wanted]

        def store(session: Session) -> None:
            targets.want(
                session,
                chosen.certificate_id,
                chosen.number,
                self._context.clock(),
                only=ids,
                forced=force,
            )
            self._context.record(
                session,
                action,
                "certificate",
                chosen.certificate_id,
                chosen.certificate,
                detail=f"version {chosen.number} to {', '.join(each.name for each in wanted)}",
            )

        await self._context.db.write(store)
        for target_id in ids:
            self._start(target_id)
        return await self._some(ids)

    async def roll_back(
        self, certificate: str, version: int, *, target: str | None = None, force: bool = False
    ) -> list[Target]:
        """Start to put an earlier version back, as `deploy`; it stays until another is saved.

        The inventory's current version stays the current one: it is what the next renewal replaces.
        """
        return await self.deploy(
            certificate, target=target, version=version, force=force, action="roll back"
        )

    async def take_up(self) -> list[Target]:
        """Start whatever is due and nobody alive works on; they go on as jobs.

        Raises ReadOnly, VaultLocked.
        """
        self._context.access.require_change()
        now = self._context.clock()
        due = await self._context.db.read(lambda session: targets.due(session, now))
        ours = [each for each in due if not is_held(self._context, each)]
        for each in ours:
            self._start(each.id)
        return ours

    async def settled(self) -> list[Target]:
        """Wait for all deployments under way here; the targets worked on since the last time."""
        await self._jobs.wait(LOOKING)
        await self.wait(self._running())
        worked_on, self._worked_on = self._worked_on, set()
        return await self._some(worked_on)

    async def wait(self, ids: Collection[str], *, seconds: float | None = None) -> list[Target]:
        """Wait until this process has done what it can for these targets; as they are then."""
        await together(self._jobs.wait(_job(each), seconds=seconds) for each in ids)
        return await self._some(ids)

    def is_running(self, target_id: str) -> bool:
        """Whether this process deploys to the target now."""
        return self._jobs.is_running(_job(target_id))

    async def verify(
        self, certificate: str | None = None, *, target: str | None = None
    ) -> list[tuple[Target, Served | None]]:
        """What the servers of these targets serve now; None where none is said to look at.

        What is found is kept with the target: one that serves another certificate is deployed to
        again by the next run. Raises NotFound, Ambiguous.
        """
        if certificate is None:
            wanted = await self._targets.all()
        elif target is not None:
            wanted = [await self._targets.get(certificate, target)]
        else:
            wanted = await self._targets.of_certificate(certificate)
        return await together(self._verify(each) for each in wanted)

    async def _verify(self, target: Target) -> tuple[Target, Served | None]:
        number = target.wanted_version
        if not target.verify or number is None:
            return target, None
        version = await self._version(target.certificate_id, number)
        async with self._room:
            served = await self._prove(target.verify, version)
        if self._context.access.read_only:
            return target, served
        fields = _seen(target, served)
        now = self._context.clock()
        fields |= {"next_attempt_at": now} if served.outcome == proof.STALE else {}
        fields |= {"verified_at": now} if served.outcome == proof.VERIFIED else {}

        def store(session: Session) -> Target:
            latest = targets.get(session, target.id)
            # Whoever deploys there now finds out by itself.
            if (latest.attempt, latest.state) == (target.attempt, target.state):
                targets.update(session, target.id, **fields)
            return targets.get(session, target.id)

        if target.state == TargetState.UPLOADING:
            return target, served
        latest = await self._context.db.write(store)
        self._context.bus.publish(TargetChanged(target.id))
        return latest, served

    async def _version(self, certificate: str, number: int | None) -> Version:
        """That version of a certificate, or the current one. Raises NotFound, Refused."""

        def found(session: Session) -> Version:
            row = certificates.get(session, certificate)
            wanted = number or row.current_version
            version = versions.get(session, row.id, wanted) if wanted else None
            if version is None and number:
                raise NotFound(f"{row.name} has no version {number}")
            if version is None or version.saved_at is None:
                what = f"version {wanted} of {row.name} is not" if wanted else "no version is"
                raise Refused(f"{what} saved yet", hint=f"kmtui cert save {row.name}")
            return replace(version, chain_pem="")

        return await self._context.db.read(found)

    async def _some(self, ids: Collection[str]) -> list[Target]:
        return await self._context.db.read(lambda session: targets.some(session, ids))

    def _running(self) -> set[str]:
        prefix = _job("")
        names: Sequence[str] = self._jobs.running
        return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}

    def _start(self, target_id: str) -> None:
        self._asked.add(target_id)
        self._jobs.start(_job(target_id), lambda: self._work(target_id))

    async def _work(self, target_id: str) -> None:
        """Attempts for one target, as long as something is due there that was asked for."""
        while target_id in self._asked:
            self._asked.discard(target_id)
            for target in await self._some([target_id]):
                if target.next_attempt_at and target.next_attempt_at <= self._context.clock():
                    await self._attempt(target)

    async def _attempt(self, target: Target) -> None:
        server = self._servers.setdefault(target.server_id or target.id, asyncio.Lock())
        async with server, self._room:
            try:
                attempt = await Attempt.claim(self._context, target.id)
                self._worked_on.add(target.id)
                await self._deployer.deploy(attempt)
            except (NotFound, Refused, DatabaseError, VaultLocked) as error:
                log.warning("target %s is not taken up: %s", target.name, error.message)

    def _heard(self, event: Event) -> None:
        """A certificate changed: a version may have been saved."""
        if isinstance(event, CertificateChanged) and self._context.access.mode == "RW":
            self._to_look = True
            self._jobs.start(LOOKING, self._look)

    async def _look(self) -> None:
        while self._to_look:
            self._to_look = False
            try:
                await self.take_up()
            except (DatabaseError, VaultLocked) as error:
                log.warning("looking for deployments: %s", error.message)


def _seen(target: Target, served: Served) -> dict[str, object]:
    """The columns that follow from what a server was seen to serve."""
    match served.outcome:
        case proof.VERIFIED:
            return {
                "state": TargetState.VERIFIED,
                "version": target.wanted_version,
                "step": served.detail,
                "error": "",
                "hint": "",
                "failures": 0,
                "next_attempt_at": None,
                "former": None,
            }
        case proof.STALE if target.state != TargetState.WAITING:
            what = {"state": TargetState.STALE}
        case proof.UNREACHABLE if target.state == TargetState.VERIFIED:
            what = {"state": TargetState.DEPLOYED}
        case _:
            what = {}
    return {
        **what,
        "step": served.detail,
        "error": served.detail,
        "hint": "see that the server runs and uses these files, and that --verify leads to it",
    }


def _job(target_id: str) -> str:
    return f"deploy:{target_id}"
