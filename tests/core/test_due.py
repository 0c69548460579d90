"""The judgement on renewal: what it promises of any certificate, and what it says of each case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.due import choose, judge, lifetime_point
from kmtui.model import (
    Certificate,
    Problem,
    RenewalPlan,
    Request,
    RequestStatus,
    SubProblem,
    expiring_at,
)
from tests.db import samples

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def held(**fields: Any) -> Certificate:
    """A certificate whose current version has 20 of 90 days left: due."""
    usual = {"current_version": 1, "not_before": NOW - 70 * DAY, "not_after": NOW + 20 * DAY}
    return replace(samples.certificate(), **{**usual, **fields})


def attempt(status: str = "failed", **fields: Any) -> Request:
    row = samples.request(kind="renew", status=status, number=12)
    return replace(row, **fields)


def failure(type_: str = "caa", **fields: Any) -> Problem:
    sub = SubProblem(identifier="www.example.org", type=type_, detail="")
    kind = f"urn:ietf:params:acme:error:{type_}"
    return Problem(type=kind, detail="", subproblems=(sub,), **fields)


def suggested(certificate: Certificate, start: datetime, end: datetime) -> RenewalPlan:
    return RenewalPlan(
        certificate_id=certificate.id,
        version_number=1,
        source="ari",
        renew_at=start,
        window_start=start,
        window_end=end,
        explanation_url="https://ca.example.test/why",
    )


# --- of any certificate ---------------------------------------------------------------------------

moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
lives = st.timedeltas(timedelta(hours=1), timedelta(days=400))
chances = st.floats(0, 1)
certificates = st.builds(
    lambda begin, life, renew, auto, version, unsaved, archived, revoked: held(
        not_before=begin,
        not_after=begin + life,
        renew_at=renew,
        auto_renew=auto,
        current_version=version,
        unsaved_version=unsaved,
        archived_at=archived,
        revoked_at=revoked,
    ),
    moments,
    lives,
    st.none() | moments,
    st.booleans(),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(1, 5),
    st.none() | moments,
    st.none() | moments,
)
attempts = st.lists(
    st.builds(
        attempt,
        st.sampled_from([status.value for status in RequestStatus if status != "draft"]),
        not_before=st.none() | moments,
        problem=st.none() | st.just(failure()),
        kind=st.sampled_from(["issue", "renew", "move"]),
    ),
    max_size=8,
)


@given(certificates, attempts, moments)
def test_what_is_due_has_come_to_its_time_and_nothing_is_in_the_way(
    certificate: Certificate, tried: list[Request], now: datetime
) -> None:
    verdict = judge(certificate, None, tried, now)

    assert verdict.why
    assert verdict.due == (verdict.blocked == "" and verdict.at is not None and verdict.at <= now)
    if verdict.due:
        assert certificate.auto_renew
        assert certificate.current_version is not None
        assert certificate.archived_at is None
        assert certificate.revoked_at is None
        assert not tried or not RequestStatus(tried[0].status).active


@given(certificates, moments, st.timedeltas(timedelta(0), timedelta(days=999)))
def test_what_nobody_renews_stays_due(
    certificate: Certificate, now: datetime, later: timedelta
) -> None:
    if judge(certificate, None, (), now).due:
        assert judge(certificate, None, (), now + later).due


@given(moments, lives, chances)
def test_the_lifetime_point_leaves_time_for_many_attempts(
    begin: datetime, life: timedelta, chance: float
) -> None:
    point = lifetime_point(begin, begin + life, chance)

    share = 2 if life < 10 * DAY else 3
    first = begin + life - life / share
    second = timedelta(seconds=1)
    assert first - second <= point <= first + life / 60 + second
    assert begin + life - point >= life / share / 2 - second
    assert point < expiring_at(begin, begin + life) or life < 16 * DAY


@given(certificates, moments, st.text())
def test_an_obstacle_lets_nothing_be_due(
    certificate: Certificate, now: datetime, obstacle: str
) -> None:
    assert not judge(certificate, None, (), now, obstacle=f"x{obstacle}").due


# --- how many at once -----------------------------------------------------------------------------


def crowd(count: int, **fields: Any) -> list[Certificate]:
    """Due certificates, each expiring a minute before the one in front of it."""
    last = fields.pop("not_after", NOW + 20 * DAY)
    usual = {"ca": "ca", "not_before": NOW - 70 * DAY, **fields}
    return [held(not_after=last - number * HOUR / 60, **usual) for number in range(count)]


@pytest.mark.parametrize(
    ("due", "watched", "limit", "taken"),
    [
        (10, 10, None, 10),
        (11, 11, None, 10),
        (11, 54, None, 10),
        (11, 55, None, 11),
        (200, 1000, None, 200),
        (201, 1000, None, 10),
        (201, 1000, 150, 150),
        (5, 1000, 3, 3),
        (5, 1000, 0, 0),
    ],
)
def test_an_unusual_crowd_is_taken_in_small_steps(
    due: int, watched: int, limit: int | None, taken: int
) -> None:
    rows = crowd(due)

    chosen, alarm = choose(rows, watched, NOW, limit=limit)

    assert chosen == rows[::-1][:taken], "the first to expire first"
    assert bool(alarm) == (limit is None and taken < due)


def test_what_is_about_to_expire_is_renewed_if_the_clock_is_confirmed() -> None:
    late = crowd(30, not_before=NOW - 89 * DAY, not_after=NOW + DAY)
    early = crowd(30)

    assert len(choose([*early, *late], 60, NOW)[0]) == 10
    chosen, alarm = choose([*early, *late], 60, NOW, confirmed={"ca"})
    assert sorted(row.id for row in chosen) == sorted(row.id for row in late)
    assert "only 30" in alarm


@pytest.mark.parametrize("life", [90 * DAY, 6 * DAY])
def test_nothing_expires_though_the_ca_was_away_for_three_days(life: timedelta) -> None:
    begin = NOW - life + life / 3
    left = [
        held(id=f"{n:04}", ca="ca", not_before=begin, not_after=begin + life) for n in range(300)
    ]
    away = min(3 * DAY, life / 4)
    now = NOW + away
    while left:
        due = [row for row in left if judge(row, None, (), now).due]
        assert all(row.not_after is not None and row.not_after > now for row in due)
        chosen, _ = choose(due, 300, now, confirmed={"ca"})
        gone = {row.id for row in chosen}
        left = [row for row in left if row.id not in gone]
        now += 4 * HOUR


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "blocked", "why"),
    [
        ({"archived_at": NOW}, "archived", "archived"),
        ({"auto_renew": False}, "auto-renew-off", "auto-renew is off"),
        ({"revoked_at": NOW - DAY}, "revoked", "revoked on 2026-09-30"),
        (
            {"current_version": None, "unsaved_version": 1},
            "no-version",
            "version 1 waits to be saved, none is current yet",
        ),
        (
            {"current_version": None, "not_after": None},
            "no-version",
            "nothing was issued yet",
        ),
        ({"unsaved_version": 2}, "unsaved", "version 2 was issued and waits to be saved"),
    ],
)
def test_it_says_why_it_leaves_a_certificate_alone(
    fields: dict[str, Any], blocked: str, why: str
) -> None:
    verdict = judge(held(**fields), None, (), NOW)

    assert (verdict.due, verdict.blocked, verdict.why) == (False, blocked, why)


@pytest.mark.parametrize(
    ("now", "due", "why"),
    [
        (NOW - 20 * DAY, False, "a third of its life will be left on 2026-09-21 12:00"),
        (NOW, True, "a third of its life is left since 2026-09-21 12:00"),
        (
            NOW + 21 * DAY,
            True,
            "expired on 2026-10-21 12:00; a third of its life is left since 2026-09-21 12:00",
        ),
    ],
)
def test_without_a_suggestion_the_life_decides(now: datetime, due: bool, why: str) -> None:
    verdict = judge(held(), None, (), now)

    assert (verdict.due, verdict.why) == (due, why)


def test_half_of_a_short_life_is_kept() -> None:
    short = held(not_before=NOW - 4 * DAY, not_after=NOW + 2 * DAY)

    assert judge(short, None, (), NOW).why == "half of its life is left since 2026-09-30 12:00"


def test_what_the_ca_suggests_rules_and_is_shown() -> None:
    young = held(not_before=NOW - DAY, not_after=NOW + 89 * DAY, renew_at=NOW - HOUR)
    plan = suggested(young, NOW - HOUR, NOW + HOUR)

    verdict = judge(young, plan, (), NOW)

    assert verdict.due
    why = "the CA suggests renewing between 2026-10-01 11:00 and 2026-10-01 13:00 (ARI)"
    assert verdict.why == why
    assert verdict.window == (NOW - HOUR, NOW + HOUR)
    assert verdict.explanation_url == "https://ca.example.test/why"
    before = judge(replace(young, renew_at=NOW + HOUR), plan, (), NOW)
    assert (before.due, before.why) == (False, f"{why}; chosen: 2026-10-01 13:00")


def test_a_plan_for_a_former_version_says_nothing() -> None:
    certificate = held(current_version=2)

    verdict = judge(certificate, suggested(certificate, NOW, NOW + DAY), (), NOW)

    assert "ARI" not in verdict.why
    assert verdict.window is None


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (
            attempt("validating", owner="4711-0123456789abcdef"),
            "request #12 is under way, held by process 4711",
        ),
        (attempt("queued"), "request #12 is under way, held by nobody"),
        (
            attempt("parked", not_before=NOW + HOUR, problem=failure("rateLimited")),
            "request #12 is set aside until 13:00: rateLimited at www.example.org",
        ),
        (attempt("parked"), "request #12 is set aside"),
    ],
)
def test_it_says_what_is_under_way(request_: Request, why: str) -> None:
    verdict = judge(held(), None, [request_], NOW)

    assert (verdict.due, verdict.blocked, verdict.why) == (False, "under-way", why)
    assert verdict.next_try_at == request_.not_before


def test_it_says_how_often_it_failed_and_when_it_is_tried_again() -> None:
    tried = [attempt(not_before=NOW + 2 * HOUR + 5 * HOUR / 60, problem=failure()), attempt()]

    verdict = judge(held(), None, tried, NOW)

    assert verdict.blocked == "retry-later"
    assert verdict.why == "failed 2 times, last: caa at www.example.org; tried again 14:05"
    assert (verdict.failures, verdict.next_try_at) == (2, tried[0].not_before)


def test_its_time_come_again_it_is_due_again_and_still_says_so() -> None:
    tried = [attempt(not_before=NOW - HOUR, problem=failure())]

    verdict = judge(held(), None, tried, NOW)

    assert verdict.due
    assert verdict.why.endswith("; failed once, last: caa at www.example.org")


def test_what_needs_a_human_waits_for_one() -> None:
    problem = failure("userActionRequired", hint="accept the new terms", instance="https://x.test/")

    verdict = judge(held(), None, [attempt(problem=problem)], NOW)

    assert verdict.blocked == "needs-human"
    assert verdict.why == (
        "the last failure needs a human: accept the new terms, https://x.test/; retry when done"
    )
    assert verdict.proposal == "kmtui request retry 12"


def test_after_five_failures_it_proposes_to_stop() -> None:
    tried = [attempt(not_before=NOW - HOUR, problem=failure())] * 5

    assert judge(held(), None, tried[:4], NOW).proposal == ""
    verdict = judge(held(), None, tried, NOW)
    assert verdict.due
    assert (
        verdict.proposal == "kmtui cert set www.example.org --auto-renew off, until it is repaired"
    )


def test_failures_before_the_last_version_and_of_other_kinds_do_not_count() -> None:
    tried = [attempt(kind="move"), attempt("cancelled"), attempt("saved"), attempt()]

    verdict = judge(held(), None, tried, NOW)

    assert (verdict.due, verdict.failures) == (True, 0)
