"""A scrolling window of calls: full means waiting, and a vendor's word holds everybody."""

from __future__ import annotations

import asyncio
import time

import pytest

from kmtui.core.dns.patience import patience
from kmtui.core.dns.window import Window
from kmtui.core.errors import DnsProviderError


async def seconds_of(window: Window, calls: int) -> float:
    started = time.monotonic()
    await asyncio.gather(*(window.turn() for _ in range(calls)))
    return time.monotonic() - started


async def test_nobody_waits_before_the_window_is_full() -> None:
    assert await seconds_of(Window(50, 60), 50) < 0.1


async def test_a_full_window_lets_calls_in_as_the_oldest_leave_it() -> None:
    window = Window(3, 0.2)

    assert 0.2 <= await seconds_of(window, 6) < 0.4
    assert 0.15 <= await seconds_of(window, 1) < 0.4


async def test_who_asked_first_goes_first() -> None:
    window = Window(1, 0.02)
    gone: list[int] = []

    async def go(number: int) -> None:
        await window.turn()
        gone.append(number)

    await asyncio.gather(*(go(number) for number in range(7)))

    assert gone == list(range(7))


async def test_a_place_that_was_not_used_is_free_again() -> None:
    window = Window(1, 0.3)
    await window.turn()
    waiting = asyncio.create_task(window.turn())
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert await seconds_of(window, 1) < 0.5


async def test_who_would_not_wait_that_long_is_told_at_once() -> None:
    window = Window(1, 600, why="Example takes 1 call in 600 s")
    await window.turn()

    with patience(2), pytest.raises(DnsProviderError) as caught:
        await window.turn()

    assert caught.value.kind == "rate_limited"
    assert caught.value.message.startswith("Example takes 1 call in 600 s")
    assert 590 < (caught.value.retry_after or 0) <= 600


async def test_a_hold_holds_those_who_wait_already() -> None:
    window = Window(1, 0.05)
    await window.turn()
    waiting = asyncio.create_task(seconds_of(window, 1))
    await asyncio.sleep(0.01)

    window.hold(0.2)

    assert await waiting >= 0.19


async def test_a_window_that_others_used_up_is_tried_later_each_time() -> None:
    window = Window(150, 300)

    first = window.used_up()
    again = window.used_up()

    assert first == pytest.approx(2)
    assert again <= first, "the same refusal seen twice is one"
    window._until = 0.0
    assert window.used_up() == pytest.approx(4)
    window._until = 0.0
    window.some_left()
    assert window.used_up() == pytest.approx(2)


async def test_a_window_that_we_used_up_is_free_when_our_oldest_call_leaves_it() -> None:
    window = Window(3, 300)
    await seconds_of(window, 3)

    assert window.used_up() == pytest.approx(300, abs=1)
