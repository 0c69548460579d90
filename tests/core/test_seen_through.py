"""What another process was faster to take up: waited for, and gone on with when that one dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kmtui.cli.resume import ended
from kmtui.core import requests
from kmtui.core.core import Core
from kmtui.core.recovery import Recovered
from kmtui.model import Request, RequestStatus
from tests.core.conftest import Bench
from tests.core.test_issuance import txt_values
from tests.core.test_recovery import other, slow_request

__all__ = ["other"]

Seen = Callable[[float], Awaitable[Request | None]]
"""Sees a request through for so many seconds at most; None where it is left to another process."""


@pytest.fixture
async def taken(bench: Bench) -> Request:
    """A request that another process works on."""
    return await slow_request(bench)


@pytest.fixture(params=["unattended run", "resume"])
def seen(
    request: pytest.FixtureRequest, other: Core, taken: Request, monkeypatch: pytest.MonkeyPatch
) -> Seen:
    """Finds the request free, and comes too late to take it up."""

    async def found() -> Recovered:
        other.requests.take_up(taken)
        return Recovered(requests=(taken,))

    async def run(seconds: float) -> Request | None:
        monkeypatch.setattr(requests, "PATIENCE", seconds)
        outcomes = (await other.renewal.run()).outcomes
        return outcomes[0].request if outcomes else None

    async def resume(seconds: float) -> Request | None:
        (each,) = (await other.recovery.run()).requests
        row = await ended(other, each, seconds)
        return None if other.requests.is_elsewhere(row) else row

    monkeypatch.setattr(other.recovery, "run", found)
    monkeypatch.setattr(requests, "LOOK_AGAIN", 0.05)
    return run if request.param == "unattended run" else resume


async def test_its_end_is_told(bench: Bench, taken: Request, seen: Seen) -> None:
    seeing = asyncio.ensure_future(seen(30))
    await asyncio.sleep(0.2)
    assert not seeing.done()

    bench.sandbox.lag = 0
    done = await seeing

    assert done is not None
    assert (done.status, done.owner) == (RequestStatus.AVAILABLE, bench.core.context.owners.me)


async def test_it_goes_on_here_when_the_other_process_dies(
    bench: Bench, other: Core, taken: Request, seen: Seen
) -> None:
    seeing = asyncio.ensure_future(seen(30))
    await asyncio.sleep(0.2)
    assert not seeing.done()

    goes_on = asyncio.Event()
    other.context.bus.subscribe(lambda _: goes_on.set())
    bench.core.context.owners.close()
    await goes_on.wait()
    bench.sandbox.lag = 0
    done = await seeing

    assert done is not None
    assert (done.status, done.owner) == (RequestStatus.AVAILABLE, other.context.owners.me)
    assert done.problem is None
    assert await txt_values(bench) == []


async def test_it_goes_on_here_when_the_other_process_lets_go_of_it(
    bench: Bench, other: Core, taken: Request, seen: Seen
) -> None:
    seeing = asyncio.ensure_future(seen(30))
    await asyncio.sleep(0.2)

    await bench.core.jobs.close(seconds=10)
    bench.sandbox.lag = 0
    done = await seeing

    assert done is not None
    assert (done.status, done.owner) == (RequestStatus.AVAILABLE, other.context.owners.me)


async def test_it_is_left_to_another_process_that_takes_too_long(
    bench: Bench, taken: Request, seen: Seen
) -> None:
    assert await seen(0.2) is None

    assert bench.core.requests.is_running(taken.id)
    bench.sandbox.lag = 0
    await bench.core.requests.cancel(taken.id)
