"""From an error to what becomes of the request: parked or failed, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.acme.problems import parse_problem, refusal, unreachable
from kmtui.core.decisions import decide
from kmtui.core.errors import (
    AcmeError,
    ChallengeNotVisible,
    DnsProviderError,
    EndServerError,
    HostKeyRefused,
    InvalidInput,
    KmtuiError,
    StillProcessing,
    ValidationFailed,
    VaultLocked,
)
from kmtui.model import Problem, RequestKind, RequestStatus

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PARKED, FAILED = RequestStatus.PARKED, RequestStatus.FAILED


def acme(word: str, *, status: int = 400, retry_after: float | None = None) -> AcmeError:
    document = {"type": f"urn:ietf:params:acme:error:{word}", "detail": "no"}
    return refusal(parse_problem(document, http_status=status, retry_after=retry_after))


def in_challenge(word: str) -> ValidationFailed:
    problem = Problem(type=f"urn:ietf:params:acme:error:{word}", detail="no")
    return ValidationFailed("no", problem=problem)


def outcome(
    error: KmtuiError, *, kind: str = RequestKind.RENEW, retries: int = 0, failures: int = 0
) -> tuple[RequestStatus, timedelta | None]:
    """Status, and how long from now, without the random part."""
    decision = decide(
        error, kind=kind, retries=retries, failures=failures, now=NOW, jitter=lambda: 0.0
    )
    return decision.status, decision.not_before and decision.not_before - NOW


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        # what passes by itself is parked, with the same order and key
        (unreachable("kmtui:ca-unreachable", "refused", where=""), (PARKED, MINUTE)),
        (acme("serverInternal", status=500), (PARKED, MINUTE)),
        (acme("serverInternal", status=503, retry_after=30.0), (PARKED, timedelta(seconds=30))),
        (acme("rateLimited", status=429, retry_after=122_400.0), (PARKED, timedelta(hours=34))),
        (
            StillProcessing("slow", problem=Problem(type="kmtui:still-processing", detail="")),
            (PARKED, 5 * MINUTE),
        ),
        (VaultLocked("locked"), (PARKED, None)),
        # what needs a new order fails, and an unattended run tries again
        (in_challenge("dns"), (FAILED, MINUTE)),
        (in_challenge("unauthorized"), (FAILED, MINUTE)),
        (in_challenge("malformed"), (FAILED, MINUTE)),
        (ChallengeNotVisible("not seen"), (FAILED, MINUTE)),
        (HostKeyRefused("changed", seen="SHA256:b", pinned=("SHA256:a",)), (FAILED, None)),
        (DnsProviderError("slow", kind="transient"), (FAILED, MINUTE)),
        (EndServerError("disk"), (FAILED, MINUTE)),
        (acme("malformed"), (FAILED, MINUTE)),
        # what a human has to mend is not tried again
        (acme("rateLimited", status=429), (FAILED, None)),
        (acme("userActionRequired", status=403), (FAILED, None)),
        (acme("accountDoesNotExist"), (FAILED, None)),
        (acme("rejectedIdentifier"), (FAILED, None)),
        (acme("caa", status=403), (FAILED, None)),
        (in_challenge("caa"), (FAILED, None)),
        (DnsProviderError("wrong secret", kind="auth"), (FAILED, None)),
        (InvalidInput("bad", field="names"), (FAILED, None)),
    ],
    ids=lambda value: value.message if isinstance(value, KmtuiError) else "",
)
def test_what_becomes_of_a_renewal(
    error: KmtuiError, expected: tuple[RequestStatus, timedelta | None]
) -> None:
    assert outcome(error) == expected


def test_what_an_operator_asked_for_is_not_tried_again_behind_their_back() -> None:
    assert outcome(in_challenge("dns"), kind=RequestKind.ISSUE) == (FAILED, None)


def test_pauses_grow_to_a_day_and_no_further() -> None:
    error = unreachable("kmtui:ca-unreachable", "refused", where="")
    waits = [outcome(error, retries=turn)[1] for turn in range(6)]
    assert waits == [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY, DAY, DAY]

    waits = [outcome(in_challenge("dns"), failures=turn)[1] for turn in range(5)]
    assert waits == [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY, DAY]


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**18), 10**18))
def test_no_retry_after_makes_us_wait_for_ever_or_not_at_all(seconds: float) -> None:
    for word, longest in (("serverInternal", DAY), ("rateLimited", 8 * DAY)):
        status, wait = outcome(acme(word, status=503, retry_after=seconds))
        assert status == PARKED
        assert wait is not None
        assert timedelta(seconds=1) <= wait <= longest
