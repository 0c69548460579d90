"""The unattended run in words: when it was made last, what came of it, and that nobody makes it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kmtui.status import Cell, ago, span

if TYPE_CHECKING:
    from kmtui.core.last_run import LastRun

NO_RUN = "no unattended run"
"""What the home screen says when its absence is an alarm."""
TIMER = "kmtui systemd prints a timer"


def last_run_cell(run: LastRun | None, *, absent: bool, now: datetime) -> Cell:
    """``unattended run 2h ago: 3 of 3 due renewed``; `absent`: nobody makes it any more."""
    if absent:
        since = f"for {span(now - run.at)}" if run else "yet"
        return f"{NO_RUN} {since}: {TIMER}", "bad"
    if run is None:
        return f"{NO_RUN} yet", "muted"
    text = f"unattended run {ago(run.at, now)}"
    if run.error:
        return f"{text}: {run.error}", "bad"
    if run.failed:
        return f"{text}: {run.failed} of {run.due} due failed", "bad"
    done = f"{run.renewed} of {run.due} due renewed" if run.due else "nothing was due"
    return f"{text}: {done}", ""
