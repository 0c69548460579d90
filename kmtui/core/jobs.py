"""Named asyncio tasks: the same name runs once, and nothing is forgotten.

Jobs belong to the core, not to a screen: leaving a screen does not touch them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from kmtui.core.fairloop import IN_BACKGROUND

Work = Callable[[], Coroutine[Any, Any, None]]


class Jobs:
    """The running jobs by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, work: Work) -> asyncio.Task[None]:
        """Start `work` under `name`; a job of that name that still runs is returned instead."""
        running = self._tasks.get(name)
        if running is not None and not running.done():
            return running
        context = copy_context()
        context.run(IN_BACKGROUND.set, True)
        task = asyncio.create_task(work(), name=name, context=context)
        self._tasks[name] = task
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        if self._tasks.get(task.get_name()) is task:
            del self._tasks[task.get_name()]
        if not task.cancelled() and (failure := task.exception()) is not None:
            # A job records its own failures; what escapes is a defect and must be heard of.
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"job {task.get_name()} failed", "exception": failure, "task": task}
            )

    def is_running(self, name: str) -> bool:
        """Whether a job of that name runs in this process."""
        return name in self._tasks

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the running jobs, oldest first."""
        return tuple(self._tasks)

    async def wait(self, name: str, *, seconds: float | None = None) -> bool:
        """Wait until the job ended; False when it still runs after `seconds`."""
        task = self._tasks.get(name)
        if task is None:
            return True
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return bool(done)

    async def cancel(self, name: str) -> None:
        """Cancel the job and wait for its clean-up."""
        task = self._tasks.get(name)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def close(self, *, seconds: float) -> None:
        """Cancel everything and wait at most `seconds` for the clean-ups."""
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
