"""Named jobs: once each, remembered, and ended in good order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kmtui.core.errors import NotFound
from kmtui.core.jobs import Jobs
from kmtui.core.together import together


async def test_a_name_that_runs_is_not_started_again() -> None:
    jobs, go, runs = Jobs(), asyncio.Event(), []

    async def work() -> None:
        runs.append(1)
        await go.wait()

    first, second = jobs.start("a", work), jobs.start("a", work)
    await asyncio.sleep(0)
    assert first is second
    assert jobs.running == ("a",)

    go.set()
    assert await jobs.wait("a", seconds=5)
    assert (runs, jobs.running) == ([1], ())


async def test_waiting_ends_at_the_deadline_and_leaves_the_job_running() -> None:
    jobs = Jobs()
    jobs.start("a", lambda: asyncio.sleep(60))

    assert not await jobs.wait("a", seconds=0.01)
    assert jobs.is_running("a")
    await jobs.close(seconds=5)
    assert not jobs.is_running("a")


async def test_closing_waits_for_the_clean_up() -> None:
    jobs, cleaned = Jobs(), []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(1)

    jobs.start("a", work)
    await asyncio.sleep(0)
    await jobs.close(seconds=5)

    assert cleaned == [1]


async def test_a_defect_of_a_job_is_heard_of() -> None:
    jobs: Jobs = Jobs()
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))

    async def work() -> None:
        raise RuntimeError("defect")

    jobs.start("a", work)
    await jobs.wait("a", seconds=5)
    await asyncio.sleep(0)

    assert [str(context["exception"]) for context in heard] == ["defect"]


async def test_the_first_failure_of_work_side_by_side_comes_out_as_itself() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")

    async def failing() -> None:
        raise NotFound("gone")

    with pytest.raises(NotFound, match="gone"):
        await together([slow(), failing()])
    assert ended == ["slow"]
