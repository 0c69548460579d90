"""The record of one attempt to deploy: each step committed before it is taken, then told.

Every write carries the fencing number under which the target was taken up: when another process
has taken it over since, the write is refused (Superseded) and the work here stops.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.decisions import pause
from kmtui.core.errors import DatabaseError, KmtuiError, NotServed, Refused, Superseded
from kmtui.core.events import DeploymentStepped, TargetChanged
from kmtui.core.owners import described
from kmtui.db import deployments, targets
from kmtui.model import Deployment, Served, Target, TargetState

INTERRUPTED = "interrupted"
"""Outcome of an attempt whose process ended before it did."""


class Attempt:
    """Writes where a deployment stands; `target` is its latest row."""

    def __init__(self, context: Context, target: Target) -> None:
        """For a target that is claimed by this process."""
        self._context = context
        self.target = target
        self.version = target.trying_version or 0
        """The version this attempt is for; another one may be wanted before it ends."""

    @classmethod
    async def claim(cls, context: Context, target_id: str) -> Attempt:
        """Take a target up. Raises NotFound; Refused while another process that is alive does.

        An attempt that was cut off gets its line in the history.
        """

        def take(session: Session) -> Target:
            target = targets.get(session, target_id)
            if is_held(context, target):
                raise Refused(
                    f"{described(target.worker)} deploys {target.certificate} to {target.name}",
                    hint="wait for it, or end that process: the work goes on here then",
                )
            if target.wanted_version is None:
                raise Refused(
                    f"{target.certificate} has no version that could be deployed",
                    hint=f"kmtui cert save {target.certificate} saves one that was issued",
                )
            now = context.clock()
            if target.state == TargetState.UPLOADING:
                _note(session, context, target, INTERRUPTED, now)
            targets.claim(session, target_id, context.owners.me, held=target.attempt)
            step = f"version {target.wanted_version}: looking what is there"
            targets.update(
                session,
                target_id,
                state=TargetState.UPLOADING,
                started_at=now,
                trying_version=target.wanted_version,
                step=step,
            )
            context.record(
                session,
                "deploy",
                "certificate",
                target.certificate_id,
                target.certificate,
                "started",
                f"version {target.wanted_version} to {target.name}",
            )
            return targets.get(session, target_id)

        attempt = cls(context, await context.db.write(take))
        attempt._tell(attempt.target.step)
        return attempt

    async def step(self, text: str, **fields: Any) -> None:
        """One step further; `text` is the line shown with the target."""

        def store(session: Session) -> None:
            self._hold(session)
            targets.update(session, self.target.id, step=text, **fields)

        await self._context.db.write(store)
        self.target = replace(self.target, step=text, **fields)
        self._tell(text)

    def say(self, text: str) -> None:
        """A line for whoever watches, kept nowhere: what a command printed."""
        row = self.target
        self._context.bus.publish(DeploymentStepped(row.id, row.certificate, row.name, text))

    async def release(self) -> None:
        """Let go of a target whose deployment is not at its end: whoever looks next goes on."""

        def store(session: Session) -> None:
            self._hold(session)
            targets.update(session, self.target.id, worker=None)

        # What cannot be written is as good as let go: the owner's lock ends with its process.
        with suppress(Superseded, DatabaseError):
            await self._context.db.write(store)
        self._context.bus.publish(TargetChanged(self.target.id))

    async def ended_well(self, served: Served | None, *, left: str = "") -> None:
        """The version is in its place, and `served` if somebody could look.

        `left` says what could not be tidied up; it is tried again.
        """
        now = self._context.clock()
        state = TargetState.VERIFIED if served else TargetState.DEPLOYED
        fields = {
            "state": state,
            "step": served.detail if served else f"version {self.version} is in its place",
            "version": self.version,
            "deployed_at": now,
            "error": left,
            "hint": "",
            "failures": 0,
            "next_attempt_at": now + pause(0) if left else None,
        }
        if not left:
            fields |= {"former": None}
        if served:
            fields |= {"verified_at": now}
        await self._end(state, "ok", fields)

    async def failed(self, error: KmtuiError, *, in_place: bool = False) -> None:
        """It did not end well; `in_place`: the version is in effect all the same."""
        stale = isinstance(error, NotServed) and error.served.outcome == TargetState.STALE
        state = TargetState.STALE if stale else TargetState.FAILED
        failures = self.target.failures
        now = self._context.clock()
        fields: dict[str, Any] = {
            "state": state,
            "step": error.message,
            "error": error.message,
            "hint": error.hint,
            "failures": failures + 1,
            "next_attempt_at": now + pause(failures),
        }
        if in_place:
            fields |= {"version": self.version, "deployed_at": now}
        await self._end(state, "failed", fields)

    async def _end(self, outcome: str, audit: str, fields: dict[str, Any]) -> None:
        now = self._context.clock()

        def store(session: Session) -> Target:
            self._hold(session)
            ended = replace(self.target, **fields)
            _note(session, self._context, ended, outcome, now)
            latest = targets.get(session, self.target.id)
            if latest.wanted_version != self.version:
                # Another version came meanwhile: this end does not change when it is put there.
                waiting = {"state": TargetState.WAITING, "failures": 0, "next_attempt_at": now}
                targets.update(session, self.target.id, **{**fields, **waiting, "worker": None})
            else:
                targets.update(session, self.target.id, **fields, worker=None)
            self._context.record(
                session,
                "deploy",
                "certificate",
                self.target.certificate_id,
                self.target.certificate,
                audit,
                f"version {self.version} to {self.target.name}: {fields['step']}",
            )
            return targets.get(session, self.target.id)

        self.target = await self._context.db.write(store)
        self._tell(fields["step"])

    def _hold(self, session: Session) -> None:
        """Make sure within a transaction that the target is still ours. Raises Superseded."""
        attempt, worker = targets.claimed(session, self.target.id)
        if attempt != self.target.attempt:
            raise Superseded(
                f"{described(worker)} took the deployment to {self.target.name} over",
                hint="the work goes on there",
            )

    def _tell(self, text: str) -> None:
        self.say(text)
        self._context.bus.publish(TargetChanged(self.target.id))


def is_held(context: Context, target: Target) -> bool:
    """Whether another process that is alive deploys to a target."""
    others = target.worker if target.worker != context.owners.me else None
    return target.state == TargetState.UPLOADING and context.owners.alive(others)


def _note(session: Session, context: Context, target: Target, outcome: str, now: datetime) -> None:
    """A line in the history."""
    interrupted = outcome == INTERRUPTED
    deployments.insert(
        session,
        Deployment(
            id=0,
            target_id=target.id,
            target=target.name,
            certificate_id=target.certificate_id,
            server=target.server or "",
            version=target.trying_version or 1,
            outcome=outcome,
            started_at=target.started_at or now,
            ended_at=now,
            actor=context.actor,
            place=target.staged,
            error=f"cut off: {target.step}" if interrupted else target.error,
            hint="" if interrupted else target.hint,
            next_attempt_at=now if interrupted else target.next_attempt_at,
        ),
    )
