"""How long the pauses between questions are."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kmtui.core.acme.polling import Pace, poll
from kmtui.core.errors import AcmeError, StillProcessing
from tests.core.acme.fake_ca import Clock


@dataclass(frozen=True)
class State:
    number: int
    retry_after: float | None = None
    url: str = "https://ca.test/x"


@pytest.mark.parametrize(
    ("asked", "pause"), [(0.0, 1.0), (0.5, 1.0), (7.0, 7.0), (300.0, 300.0), (86400.0, 300.0)]
)
def test_retry_after_is_honoured_within_bounds(asked: float, pause: float) -> None:
    assert Pace(jitter=lambda: 0.0).pause(0, asked) == pause
    assert Pace(jitter=lambda: 1.0).pause(0, asked) == pytest.approx(pause * 1.1)


def test_pauses_grow_while_the_ca_says_nothing() -> None:
    pace = Pace(jitter=lambda: 0.0)
    pauses = [pace.pause(turn, None) for turn in range(50)]
    assert pauses[0] == 1.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 15.0


async def test_the_last_question_is_asked_at_the_deadline(clock: Clock) -> None:
    asked: list[float] = []

    async def fetch() -> State:
        asked.append(clock())
        return State(len(asked), retry_after=40.0)

    with pytest.raises(StillProcessing):
        await poll(
            fetch,
            lambda _: False,
            deadline=100,
            pace=Pace(jitter=lambda: 0.0),
            clock=clock,
            sleep=clock.sleep,
        )
    assert asked == [1000.0, 1040.0, 1080.0, 1100.0]


async def test_an_error_that_will_not_pass_ends_polling(clock: Clock) -> None:
    async def fetch() -> State:
        raise AcmeError("no")

    with pytest.raises(AcmeError, match="no"):
        await poll(fetch, lambda _: True, deadline=100, pace=Pace(), clock=clock, sleep=clock.sleep)
    assert clock.slept == []


async def test_what_was_just_set_going_gets_time_before_the_first_question(clock: Clock) -> None:
    asked: list[float] = []

    async def fetch() -> State:
        asked.append(clock())
        return State(len(asked))

    await poll(
        fetch,
        lambda state: state.number == 2,
        after=5.0,
        deadline=100,
        pace=Pace(jitter=lambda: 0.0),
        clock=clock,
        sleep=clock.sleep,
    )

    assert asked == [1005.0, 1006.5]
