"""The line above the keys: what runs, and how the last thing ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from textual.timer import Timer

from kmtui.status import Cell, duration, look
from kmtui.widgets.line import Cells, Line

BETWEEN_CHANGES = 0.25
"""Seconds: at most four changes a second, whatever the jobs report."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job in the strip."""

    name: str
    """What it does, for whom: ``renew shop.example.org``."""
    status: str
    """`queued`, `running`, `done`, `failed`, `cancelled` or `interrupted`."""
    step: str = ""
    """The step under way, or how it ended."""
    seconds: float | None = None
    """Time since it started."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """How far many jobs are that run side by side; those that ended are in `total`, too."""

    total: int
    running: int
    done: int = 0
    failed: int = 0
    parked: int = 0

    @property
    def cells(self) -> list[Cell]:
        """``12 of 200 done, 3 failed``."""
        cells: list[Cell] = [(f"{self.done} of {self.total} done", "")]
        if self.failed:
            cells.append((f", {self.failed} failed", "bad"))
        if self.parked:
            cells.append((f", {self.parked} parked", "warn"))
        return cells


class JobStrip(Line):
    """Always one line: counts, the job that moved last, failures until seen, what was left."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._jobs: tuple[JobLine, ...] = ()
        self._bulk: Bulk | None = None
        self._leftovers = 0
        self._ended: JobLine | None = None
        self._changed = 0.0
        self._later: Timer | None = None
        self.show([("jobs idle", "muted")])

    def show_jobs(
        self, jobs: Sequence[JobLine], bulk: Bulk | None = None, *, leftovers: int = 0
    ) -> None:
        """Show these jobs, the one that moved last first; of many also how far all of them are.

        `leftovers` is how many published answers could not be removed.
        """
        self._jobs = tuple(jobs)
        self._bulk = bulk
        self._leftovers = leftovers
        self._soon()

    def ended(self, job: JobLine) -> None:
        """Show how a job ended until `acknowledge`."""
        self._ended = job
        self._soon()

    def acknowledge(self) -> None:
        """The operator pressed a key: what ended was seen."""
        if self._ended is not None and self._later is None:
            self._ended = None
            self._soon()

    def _soon(self) -> None:
        """Draw now, or as soon as the last change is old enough."""
        if self._later is not None or not self.is_attached:
            return
        wait = self._changed + BETWEEN_CHANGES - monotonic()
        if wait > 0:
            self._later = self.set_timer(wait, self._draw)
        else:
            self._draw()

    def _draw(self) -> None:
        self._later = None
        self._changed = monotonic()
        self.show(*self._line())

    def _line(self) -> tuple[Cells, Cells]:
        left: list[Cell] = [("jobs ", "muted"), (self._counts(), "muted")]
        if self._bulk is not None:
            left += [("   ", ""), *self._bulk.cells]
        shown = [self._ended] if self._ended else []
        shown += [job for job in self._jobs if job.status == "running"][:2]
        for job in shown:
            left += [("   ", ""), *_job(job)]
        right: list[Cell] = []
        if self._leftovers:
            right += [(f"leftovers: {self._leftovers} ", "warn"), ("C", "key")]
        if self._jobs or self._bulk:
            right += [("  " if right else "", ""), ("J", "key")]
        return left, right

    def _counts(self) -> str:
        if self._bulk is not None:
            return f"{self._bulk.running} running"
        states = [job.status for job in self._jobs]
        counts = [
            f"{states.count(state)} {state}"
            for state in ("running", "queued", "failed")
            if state in states
        ]
        return " ".join(counts) or "idle"


def _job(job: JobLine) -> list[Cell]:
    tone = look(job.status).tone
    cells: list[Cell] = [(job.name, ""), (" ", "")]
    if job.status == "running":
        cells.append((job.step or job.status, tone))
    else:
        cells.append((f"{job.status}: {job.step}" if job.step else job.status, tone))
    if job.status == "failed":
        cells.append(("  ! for text", "muted"))
    if job.seconds is not None:
        cells.append((f" {duration(job.seconds)}", "muted"))
    return cells
