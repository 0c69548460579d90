"""The unattended run: renewals, retries and clean-ups first, then what else comes with time."""

from __future__ import annotations

from dataclasses import replace

from kmtui.core import last_run
from kmtui.core.activity import ActivityTrail
from kmtui.core.archive import Archive
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import KmtuiError, ReadOnly, VaultError
from kmtui.core.last_run import LastRun
from kmtui.core.notifications import Notifications
from kmtui.core.renewal import Renewal, RenewalRun
from kmtui.core.successors import Outcome
from kmtui.model import RequestStatus

ISSUED = (RequestStatus.AVAILABLE, RequestStatus.SAVED)


class Unattended:
    """What a timer starts, as often as one likes."""

    def __init__(
        self,
        context: Context,
        renewal: Renewal,
        archive: Archive,
        activity: ActivityTrail,
        notifications: Notifications,
        cas: CertificateAuthorities,
    ) -> None:
        self._context = context
        self._cas = cas
        self._renewal = renewal
        self._archive = archive
        self._activity = activity
        self._notifications = notifications

    async def run(self, *, limit: int | None = None, dry_run: bool = False) -> RenewalRun:
        """One run; with `dry_run` it only judges. Raises as `Renewal.run`.

        That it was made is noted, also when it could not even begin; operators are told last.
        """
        try:
            run = await self._renewal.run(limit=limit, dry_run=dry_run)
        except (ReadOnly, VaultError):
            raise
        except KmtuiError as error:
            if not dry_run:
                await self._note(error=error.message)
                await self._notifications.tell()
            raise
        if dry_run or run.held_by is not None:
            return run
        await self._cas.look_after()
        purged = await self._archive.purge_due()
        await self._note(
            due=sum(verdict.due for verdict in run.verdicts),
            renewed=sum(map(_is_issued, run.outcomes)),
            failed=sum(map(_is_failed, run.outcomes)),
        )
        told = await self._notifications.tell()
        await self._activity.seal_head()
        return replace(
            run,
            purged=tuple(purged),
            notified=told.sent,
            notes=(*run.notes, *told.problems),
        )

    async def _note(
        self, *, due: int = 0, renewed: int = 0, failed: int = 0, error: str = ""
    ) -> None:
        run = LastRun(
            at=self._context.clock(),
            actor=self._context.actor,
            due=due,
            renewed=renewed,
            failed=failed,
            error=error,
        )
        await self._context.db.write(lambda session: last_run.put(session, run))


def _is_issued(outcome: Outcome) -> bool:
    return outcome.request is not None and outcome.request.status in ISSUED


def _is_failed(outcome: Outcome) -> bool:
    """Whether it came to nothing; what was set aside goes on by itself."""
    return outcome.request is None or outcome.request.status == RequestStatus.FAILED
