"""What becomes of a request that could not go on: parked and taken up again, or failed, and when.

The error says which action it calls for (`kmtui.core.acme.advice`); here it becomes a status and a
moment. Pauses follow the advice of Let's Encrypt's integration guide: a minute, ten, a hundred,
then daily, each a little longer by chance so that a fleet does not come back as one.
https://letsencrypt.org/docs/integration-guide/#retrying-failures
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kmtui.core.acme import Action, action_for
from kmtui.core.errors import (
    AcmeError,
    ChallengeNotVisible,
    Defect,
    DnsLookupFailed,
    DnsProviderError,
    EndServerError,
    HostKeyRefused,
    KmtuiError,
    ValidationFailed,
    VaultError,
)
from kmtui.model import RequestKind, RequestStatus

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(minutes=100),
    timedelta(days=1),
)
"""Before the first, second, third and every further attempt."""
COME_BACK = timedelta(minutes=5)
"""When to look again at what a CA is still working on and names no time for."""
LONGEST = timedelta(days=1)
"""What a CA may make us wait by Retry-After; one that says a year is asked again tomorrow."""
LONGEST_FOR_RATE = timedelta(days=8)
"""A rate limit of a week is meant."""
SHORTEST = timedelta(seconds=1)

PASSING = {"transient", "rate_limited"}
"""Kinds of DNS provider trouble that go away by themselves."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a request goes from its error."""

    status: RequestStatus
    """PARKED: the same order and key go on. FAILED: only a new request can help."""
    not_before: datetime | None
    """PARKED: when to go on, None as soon as the vault is open. FAILED: when an unattended run
    makes the next attempt, None when a human has to do something first."""


def decide(
    error: KmtuiError,
    *,
    kind: str,
    retries: int,
    failures: int,
    now: datetime,
    jitter: Callable[[], float] = random.random,
) -> Decision:
    """What to do about the error that stopped a request.

    `retries` is how often in a row it was parked before, `failures` how many attempts for its
    certificate failed in a row before this one.
    """
    action = action_of(error)
    if isinstance(error, VaultError):
        return Decision(RequestStatus.PARKED, None)
    if action == Action.RETRY_LATER:
        return Decision(RequestStatus.PARKED, now + _wait(error, retries, jitter))
    if kind != RequestKind.RENEW or action in (Action.FIX_INPUT, Action.NEEDS_HUMAN):
        return Decision(RequestStatus.FAILED, None)
    return Decision(RequestStatus.FAILED, now + pause(failures, jitter))


def action_of(error: KmtuiError) -> Action:
    """What an error calls for, also where no problem document says it."""
    if isinstance(error, AcmeError) and error.problem is not None:
        return action_for(error.problem, in_challenge=isinstance(error, ValidationFailed))
    if isinstance(error, DnsProviderError):
        return Action.NEW_ORDER if error.kind in PASSING else Action.FIX_INPUT
    if isinstance(error, HostKeyRefused):
        return Action.NEEDS_HUMAN
    if isinstance(error, ChallengeNotVisible | DnsLookupFailed | EndServerError | Defect):
        return Action.NEW_ORDER
    return Action.FIX_INPUT


def _wait(error: KmtuiError, retries: int, jitter: Callable[[], float]) -> timedelta:
    """The CA's Retry-After within reason; else what is usual for the kind of trouble."""
    problem = error.problem
    if problem is not None and problem.retry_after is not None:
        longest = LONGEST_FOR_RATE if problem.short_type == "rateLimited" else LONGEST
        # Compared as seconds: a CA may name a number that no timedelta holds. Ours comes first:
        # what is not a number at all then gives way to it.
        seconds = min(max(SHORTEST.total_seconds(), problem.retry_after), longest.total_seconds())
        return timedelta(seconds=seconds)
    at_work = problem is not None and problem.short_type == "still-processing"
    return COME_BACK if at_work else pause(retries, jitter)


def pause(turn: int, jitter: Callable[[], float] = random.random) -> timedelta:
    """How long to wait before the next attempt, after `turn` earlier ones."""
    return PAUSES[min(turn, len(PAUSES) - 1)] * (1 + 0.1 * jitter())
