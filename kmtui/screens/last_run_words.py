"""The unattended run in words: when it was made last, what came of it, and that nobody makes it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kmtui.status import Cell, ago

if TYPE_CHECKING:
    from kmtui.core.last_run import LastRun


def last_run_cell(run: LastRun | None, absent: str, now: datetime) -> Cell:
    """``unattended run 2h ago: 3 of 3 renewed``; `absent` is why its absence is an alarm."""
    if run is None:
        return "no unattended run yet", "bad" if absent else "muted"
    text = f"unattended run {ago(run.at, now)}"
    if run.error:
        return f"{text}: {run.error}", "bad"
    if run.failed:
        return f"{text}: {run.failed} of {run.due} due failed", "bad"
    done = f"{run.renewed} of {run.due} due renewed" if run.due else "nothing was due"
    return f"{text}: {done}", "bad" if absent else ""
