"""The fair loop: the background gets a share of each turn, in its order, and loses nothing."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from kmtui.core.fairloop import IN_BACKGROUND, LEAST, SHARE, FairLoop
from kmtui.core.jobs import Jobs

MANY = 20 * SHARE


class CountedTurns(selectors.DefaultSelector):
    """What the event loop waits on, once in each of its turns."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as asked."""
        self.count += 1
        return super().select(timeout)


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=FairLoop) as runner:
        runner.run(work)


def test_a_key_does_not_wait_for_all_of_the_background() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    async def screen() -> None:
        jobs = Jobs()
        for number in range(MANY):
            jobs.start(str(number), lambda at=number: work(at))  # type: ignore[misc]
        for _ in range(MANY):  # each starts, and sleeps: none is done before all have started
            await asyncio.sleep(0)
        assert len(done) <= LEAST
        for _ in range(5):
            await asyncio.sleep(0)
        assert 4 * LEAST <= len(done) <= 6 * LEAST
        for number in range(MANY):
            await jobs.wait(str(number))

    run(screen())

    assert done == list(range(MANY))


def test_the_background_has_its_whole_share_of_each_turn_while_nothing_else_is_to_be_done() -> None:
    turns = CountedTurns()
    took: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0)

    async def screen() -> None:
        background = copy_context()
        background.run(IN_BACKGROUND.set, True)
        tasks = [asyncio.create_task(work(), context=background) for _ in range(MANY)]
        before = turns.count
        await tasks[-1]
        took.append(turns.count - before)

    with asyncio.Runner(loop_factory=lambda: FairLoop(turns)) as runner:
        runner.run(screen())

    callbacks = 2 * MANY  # each starts, and goes on after its sleep
    assert took[0] <= callbacks / SHARE + 5


def test_a_cancelled_job_in_the_queue_ends() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    async def screen() -> None:
        jobs = Jobs()
        for number in range(MANY):
            jobs.start(str(number), work)
        await asyncio.sleep(0.05)
        await jobs.close(seconds=5)

    run(screen())

    assert len(ended) == MANY


def test_a_callback_that_was_cancelled_does_not_run() -> None:
    ran: list[str] = []

    async def background() -> None:
        loop = asyncio.get_running_loop()
        handle = loop.call_soon(ran.append, "cancelled", context=copy_context())
        loop.call_soon(ran.append, "kept", context=copy_context())
        handle.cancel()

    async def screen() -> None:
        jobs = Jobs()
        jobs.start("background", background)
        await jobs.wait("background")
        await asyncio.sleep(0.01)

    run(screen())

    assert ran == ["kept"]


def test_a_callback_may_be_cancelled_by_the_one_before_it() -> None:
    ran: list[str] = []

    async def background() -> None:
        loop = asyncio.get_running_loop()
        later: list[asyncio.Handle] = []
        loop.call_soon(lambda: later[0].cancel())
        later.append(loop.call_soon(ran.append, "cancelled"))
        await asyncio.sleep(0.01)

    run(background_only(background))

    assert ran == []


def test_what_one_job_asks_for_runs_in_the_order_asked() -> None:
    ran: list[int] = []

    async def background() -> None:
        loop = asyncio.get_running_loop()
        for number in range(4 * SHARE):
            context = copy_context() if number % 2 else None
            loop.call_soon(ran.append, number, context=context)
        await asyncio.sleep(0.01)

    run(background_only(background))

    assert ran == list(range(4 * SHARE))


async def background_only(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    jobs = Jobs()
    jobs.start("background", work)
    await jobs.wait("background")
