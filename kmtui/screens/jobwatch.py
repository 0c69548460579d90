"""What runs now, as the job strip shows it, and what ended since the last look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.core.errors import NotFound
from kmtui.model import Problem, Request, RequestStatus
from kmtui.widgets.jobstrip import JobLine

if TYPE_CHECKING:
    from kmtui.core.core import Core

PREFIX = "request:"


class JobWatch:
    """Follows the jobs of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: set[str] = set()
        self.problem: tuple[str, Problem, datetime] | None = None
        """Title, problem and time of the request that failed last."""

    async def look(self) -> tuple[list[JobLine], list[JobLine]]:
        """The jobs that run, and those that ended since the last look."""
        now_running = {
            name.removeprefix(PREFIX) for name in self._core.jobs.running if name.startswith(PREFIX)
        }
        ended = [await self._line(name) for name in self._running - now_running]
        running = [await self._line(name) for name in now_running]
        self._running = now_running
        return [line for line in running if line], [line for line in ended if line]

    async def _line(self, request_id: str) -> JobLine | None:
        try:
            request = await self._core.requests.get(request_id)
        except NotFound:  # a draft that was dropped
            return None
        title = f"{request.kind} {request.certificate or request.names[0]}"
        if request.status == RequestStatus.FAILED and request.problem is not None:
            at = request.finished_at or request.created_at
            self.problem = (title, request.problem, at)
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
