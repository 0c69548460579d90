"""What runs now, as the job strip shows it, and what ended since the last look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.model import Problem, Request, RequestStatus
from kmtui.widgets.jobstrip import Bulk, JobLine

if TYPE_CHECKING:
    from kmtui.core.core import Core

PREFIX = "request:"
FEW = 6
"""So many are told one by one. Of more only the number is, and what failed: hundreds may run."""


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
        """Title, problem and time of the request that failed last."""

    async def look(self, moved: Sequence[str] = ()) -> JobNews:
        """The jobs that run, and those that ended since the last look.

        `moved` are ids of requests that changed lately, the latest last.
        """
        names = [n.removeprefix(PREFIX) for n in self._core.jobs.running if n.startswith(PREFIX)]
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
        found = {row.id: row for row in await self._core.requests.some([*shown, *ended])}
        lines = [self._end(found[each]) for each in ended if each in found]
        if many:
            lines = [line for line in lines if line.status == "failed"]
        if many and not now:
            lines.append(self._summary())
        running = [_line(found[each]) for each in shown if each in found]
        return JobNews(running, lines, self._bulk() if now and many else None)

    def _end(self, request: Request) -> JobLine:
        line = _line(request)
        self._ended[line.status] += 1
        if line.status == "failed" and request.problem is not None:
            at = request.finished_at or request.created_at
            self.problem = (line.name, request.problem, at)
        return line

    def _bulk(self) -> Bulk:
        ended = self._ended
        return Bulk(self._seen, len(self._running), ended["done"], ended["failed"], ended["parked"])

    def _summary(self) -> JobLine:
        """How many of them ended how, once none runs any more."""
        counts = [f"{self._ended[word]} {word}" for word in _WORDS if self._ended[word]]
        status = "failed" if self._ended["failed"] else "done"
        return JobLine(f"{self._seen} requests", status, ", ".join(counts))


_WORDS = ("done", "failed", "parked", "cancelled")


def _line(request: Request) -> JobLine:
    title = f"{request.kind} {request.certificate or request.names[0]}"
    return JobLine(title, _status(request), _step(request), _seconds(request))


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
