"""Asking again until something is settled: monotonic deadline, Retry-After, jitter (7.5.1, 7.4)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from kmtui.core.acme.problems import own_problem
from kmtui.core.acme.retries import passing
from kmtui.core.errors import AcmeError, StillProcessing


class Polled(Protocol):
    """An order or an authorization."""

    @property
    def url(self) -> str: ...
    @property
    def retry_after(self) -> float | None: ...


T = TypeVar("T", bound=Polled)
OnUpdate = Callable[[T], Awaitable[None]]
"""Called with every state that was read, settled or not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to ask, in seconds."""

    shortest: float = 1.0
    """The first pause, and the least one whatever the CA says."""
    longest: float = 300.0
    """The longest pause in the foreground: a CA that says tomorrow is still asked gently."""
    usual: float = 15.0
    """Where pauses stop growing while the CA names none."""
    jitter: Callable[[], float] = random.random
    """A number from 0 to 1; spreads the clients of a CA by up to a tenth of the pause."""

    def pause(self, turn: int, retry_after: float | None) -> float:
        """Seconds until the next question; `turn` counts from 0."""
        if retry_after is None:
            wait = min(self.shortest * 1.5 ** min(turn, 20), self.usual)
        else:
            wait = min(max(retry_after, self.shortest), self.longest)
        return wait * (1 + 0.1 * self.jitter())


async def poll(
    fetch: Callable[[], Awaitable[T]],
    settled: Callable[[T], bool],
    *,
    after: float | None = None,
    deadline: float,
    pace: Pace,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    on_update: OnUpdate[T] | None = None,
) -> T:
    """The first state that `settled` accepts; `settled` may raise to end with an error.

    `after` is how many seconds to let pass before the first question, where the state was just
    told or just set going; `deadline` is in seconds from now. A CA that fails meanwhile is asked
    again; at the deadline its last failure is raised, or StillProcessing with what it last said.
    """
    end = clock() + deadline
    turn = 0
    if after is not None:
        await sleep(min(after, deadline))
        turn = 1
    while True:
        failure: AcmeError | None = None
        try:
            state = await fetch()
        except AcmeError as error:
            if not passing(error):
                raise
            failure = error
            asked = error.problem.retry_after if error.problem else None
        else:
            if on_update is not None:
                await on_update(state)
            if settled(state):
                return state
            asked = state.retry_after
        left = end - clock()
        if left <= 0:
            raise failure or _overdue(state, deadline)
        await sleep(min(pace.pause(turn, asked), left))
        turn += 1


def _overdue(state: Polled, deadline: float) -> StillProcessing:
    problem = own_problem(
        "kmtui:still-processing",
        f"not settled within {deadline:g} s",
        where=state.url,
        retry_after=state.retry_after,
    )
    return StillProcessing(f"{problem.what}: {problem.detail}", hint=problem.hint, problem=problem)
