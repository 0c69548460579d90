"""The unattended run: renewals, retries and clean-ups first, then what else comes with time."""

from __future__ import annotations

from dataclasses import replace

from kmtui.core.activity import ActivityTrail
from kmtui.core.archive import Archive
from kmtui.core.renewal import Renewal, RenewalRun


class Unattended:
    """What a timer starts, as often as one likes."""

    def __init__(self, renewal: Renewal, archive: Archive, activity: ActivityTrail) -> None:
        self._renewal = renewal
        self._archive = archive
        self._activity = activity

    async def run(self, *, limit: int | None = None, dry_run: bool = False) -> RenewalRun:
        """One run; with `dry_run` it only judges. Raises as `Renewal.run`."""
        run = await self._renewal.run(limit=limit, dry_run=dry_run)
        if dry_run or run.held_by is not None:
            return run
        purged = await self._archive.purge_due()
        await self._activity.seal_head()
        return replace(run, purged=tuple(purged))
