"""The pace of calls to a vendor."""

from __future__ import annotations

import asyncio

import pytest

from kmtui.core.dns.pace import Pace
from kmtui.core.dns.patience import patience
from kmtui.core.errors import DnsProviderError


async def seconds_for(pace: Pace, turns: int) -> float:
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(pace.turn() for _ in range(turns)))
    return asyncio.get_running_loop().time() - started


async def test_a_burst_goes_at_once_and_the_rest_at_the_pace() -> None:
    assert await seconds_for(Pace(50, burst=20), 20) < 0.1
    assert 0.1 <= await seconds_for(Pace(50, burst=20), 26) < 0.5


async def test_a_hold_lasts_as_long_as_the_vendor_said_and_no_longer() -> None:
    pace = Pace(10, burst=100)
    pace.hold(0.1)

    assert 0.1 <= await seconds_for(pace, 1) < 1


async def test_who_would_wait_too_long_is_told_at_once() -> None:
    pace = Pace(10)
    pace.hold(300)

    with patience(1), pytest.raises(DnsProviderError) as caught:
        await pace.turn()

    assert caught.value.kind == "rate_limited"
    assert caught.value.retry_after == pytest.approx(300, abs=1)
