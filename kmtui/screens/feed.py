"""Brings what changed in the core to the screens: gathered, and told at most once a tick."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.timer import Timer

from kmtui.model import Problem
from kmtui.screens.jobwatch import JobWatch, job_of
from kmtui.screens.page import Page

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.events import Event

TICK = 0.15
"""Seconds in which events gather; twenty busy jobs then cost one repaint, not hundreds."""
LONG_TICK = 0.5
"""The same while more than `BUSY` jobs run: each tick reads a list anew, and keys come first."""
BUSY = 20
LOOK_ELSEWHERE = 2.0
"""Seconds between looks for what other processes wrote."""
LOOK_AT_JOBS = 1.0
CLOCK_MOVES = 60.0
"""Seconds after which states and times that follow from the clock are read again."""

Tell = Callable[[tuple["Event", ...]], None]


class Feed:
    """The inbox of one core's events, and the two things that must be looked at regularly.

    Timers are the App's; `tell` is called with the last event of each kind and object, with none
    when another process wrote.
    """

    def __init__(self, app: App[Any], core: Core, tell: Tell) -> None:
        self._app = app
        self._core = core
        self._tell = tell
        self._inbox: dict[tuple[type[Event], str], Event] = {}
        self._tick: Timer | None = None
        self._data_version: int | None = None
        self._leftovers = 0
        self._jobs = JobWatch(core)
        core.bus.subscribe(self.receive)
        self._every(LOOK_AT_JOBS, self._look_at_jobs)
        self._every(LOOK_ELSEWHERE, self._look_elsewhere)
        self._every(CLOCK_MOVES, self._tell_all)

    @property
    def problem(self) -> tuple[str, Problem, datetime] | None:
        """Title, problem and time of what failed last."""
        return self._jobs.problem

    def receive(self, event: Event) -> None:
        """Take an event in; the first one starts the tick."""
        self._inbox[type(event), event.id] = event
        if self._tick is None:
            # An event may come from a task that the App did not start and does not know.
            with self._app._context():
                seconds = LONG_TICK if len(self._core.jobs.running) > BUSY else TICK
                self._tick = self._app.set_timer(seconds, self._tell_all)

    def _every(self, seconds: float, look: Callable[[], Awaitable[None]]) -> None:
        self._app.set_interval(seconds, look)

    async def _tell_all(self) -> None:
        events, self._inbox, self._tick = tuple(self._inbox.values()), {}, None
        self._tell(events)
        await self._show_jobs([name for event in events if (name := job_of(event))])

    async def _look_elsewhere(self) -> None:
        version = await self._core.data_version()
        if self._data_version not in (None, version):
            self._tell(())
        self._data_version = version
        self._leftovers = len(await self._core.recovery.left_behind())

    async def _look_at_jobs(self) -> None:
        await self._show_jobs()

    async def _show_jobs(self, moved: Sequence[str] = ()) -> None:
        news = await self._jobs.look(moved)
        # While the App leaves, its screens are gone before its timers.
        stack = self._app.screen_stack if self._app.is_running else []
        if stack and isinstance(page := stack[-1], Page):
            page.job_strip.show_jobs(news.running, news.bulk, leftovers=self._leftovers)
            for job in news.ended:
                page.job_strip.ended(job)
