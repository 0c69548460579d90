"""Work of the core that a screen asked for, and that outlives the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from kmtui.core.errors import KmtuiError

Work = Coroutine[Any, Any, Any]


class Tasks:
    """References to what runs: asyncio itself keeps none, and a forgotten task may vanish."""

    def __init__(self, on_defect: Callable[[Exception], None]) -> None:
        """`on_defect` hears of what is no error of the tree: a defect of this program."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_defect = on_defect

    def start(self, work: Work, on_error: Callable[[KmtuiError], None]) -> None:
        """Run work to its end; `on_error` hears of what an operator must be told."""

        async def run() -> None:
            try:
                await work
            except KmtuiError as error:
                on_error(error)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._on_defect(error)

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
