"""What runs now, as the job strip shows it, and what ended since the last look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.core.events import Event, RequestChanged, TargetChanged
from kmtui.model import Problem, Request, RequestStatus, Target, TargetState
from kmtui.screens.target_words import problem_of_target
from kmtui.widgets.jobstrip import Bulk, JobLine

if TYPE_CHECKING:
    from kmtui.core.core import Core

REQUEST, DEPLOYMENT = "request:", "deploy:"
"""How the names of jobs begin; an id follows."""
FEW = 6
"""So many are told one by one. Of more only the number is, and what failed: hundreds may run."""


def job_of(event: Event) -> str:
    """The name of the job that an event tells of; empty for other events."""
    if isinstance(event, RequestChanged):
        return REQUEST + event.id
    return DEPLOYMENT + event.id if isinstance(event, TargetChanged) else ""


@dataclass(frozen=True, slots=True)
class JobNews:
    """What one look found."""

    running: list[JobLine] = field(default_factory=list)
    """The jobs that run; of many only those that moved last."""
    ended: list[JobLine] = field(default_factory=list)
    bulk: Bulk | None = None
    """How far many jobs are that run side by side."""


class JobWatch:
    """Follows the jobs of one core; reads at most what the strip can show."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: frozenset[str] = frozenset()
        self._seen = 0
        """Jobs since the last moment at which none ran."""
        self._ended: Counter[str] = Counter()
        """How those of them that ended did."""
        self.problem: tuple[str, Problem, datetime] | None = None
        """Title, problem and time of what failed last."""

    async def look(self, moved: Sequence[str] = ()) -> JobNews:
        """The jobs that run, and those that ended since the last look.

        `moved` are names of jobs that came further lately, the latest last.
        """
        names = [n for n in self._core.jobs.running if n.startswith((REQUEST, DEPLOYMENT))]
        now = frozenset(names)
        begun, ended = now - self._running, self._running - now
        if not self._running and begun:
            self._seen, self._ended = 0, Counter()
        # Before the first pause: another look may begin while this one reads.
        self._running = now
        self._seen += len(begun)
        many = self._seen > FEW
        shown = [each for each in reversed(moved) if each in now][:1] if many else names
        if not (shown or ended):
            return JobNews(bulk=self._bulk() if now and many else None)
        found = await self._read([*shown, *ended])
        lines = [self._end(found[each]) for each in ended if each in found]
        if many:
            lines = [line for line in lines if line.status == "failed"]
        if many and not now:
            lines.append(self._summary())
        running = [found[each].line for each in shown if each in found]
        return JobNews(running, lines, self._bulk() if now and many else None)

    async def _read(self, names: Sequence[str]) -> dict[str, _Found]:
        """How the jobs of these names stand."""
        requests, targets = (
            [name.removeprefix(kind) for name in names if name.startswith(kind)]
            for kind in (REQUEST, DEPLOYMENT)
        )
        found: dict[str, _Found] = {}
        if requests:
            rows = await self._core.requests.some(requests)
            found |= {REQUEST + row.id: _of_request(row) for row in rows}
        if targets:
            of_targets = await self._core.targets.some(targets)
            found |= {DEPLOYMENT + row.id: _of_target(row) for row in of_targets}
        return found

    def _end(self, found: _Found) -> JobLine:
        line = found.line
        self._ended[line.status] += 1
        if line.status == "failed" and found.problem is not None:
            self.problem = (line.name, found.problem, found.at)
        return line

    def _bulk(self) -> Bulk:
        ended = self._ended
        return Bulk(self._seen, len(self._running), ended["done"], ended["failed"], ended["parked"])

    def _summary(self) -> JobLine:
        """How many of them ended how, once none runs any more."""
        counts = [f"{self._ended[word]} {word}" for word in _WORDS if self._ended[word]]
        status = "failed" if self._ended["failed"] else "done"
        return JobLine(f"{self._seen} jobs", status, ", ".join(counts))


_WORDS = ("done", "failed", "parked", "cancelled")


@dataclass(frozen=True, slots=True)
class _Found:
    """One job as it stands."""

    line: JobLine
    problem: Problem | None
    at: datetime
    """When it ended, or began."""


def _of_request(request: Request) -> _Found:
    title = f"{request.kind} {request.certificate or request.names[0]}"
    line = JobLine(title, _status(request), _step(request), _seconds(request))
    return _Found(line, request.problem, request.finished_at or request.created_at)


def _of_target(target: Target) -> _Found:
    began = target.started_at or target.created_at
    step = target.step if target.state == TargetState.UPLOADING else target.error or target.step
    line = JobLine(
        f"deploy {target.certificate} to {target.name}",
        _TARGET_STATES[TargetState(target.state)],
        step,
        (datetime.now(UTC) - began).total_seconds(),
    )
    return _Found(line, problem_of_target(target) if target.error else None, began)


_TARGET_STATES = {
    TargetState.WAITING: "queued",
    TargetState.UPLOADING: "running",
    TargetState.DEPLOYED: "done",
    TargetState.VERIFIED: "done",
    TargetState.FAILED: "failed",
    TargetState.STALE: "failed",
}


def _status(request: Request) -> str:
    if request.status in (RequestStatus.AVAILABLE, RequestStatus.SAVED):
        return "done"
    if request.status in (RequestStatus.FAILED, RequestStatus.CANCELLED, RequestStatus.PARKED):
        return str(request.status)
    return "queued" if request.status == RequestStatus.QUEUED else "running"


def _step(request: Request) -> str:
    if request.problem is not None and request.status == RequestStatus.FAILED:
        return request.problem.short_type
    if request.status == RequestStatus.AVAILABLE:
        return f"v{request.version} available, save it"
    return request.step


def _seconds(request: Request) -> float:
    return ((request.finished_at or datetime.now(UTC)) - request.created_at).total_seconds()
