"""Problems, specs and sights survive the way through the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmtui.db import documents, requests
from kmtui.db.columns import storable, utc_text
from kmtui.db.database import Database
from kmtui.model import (
    ChallengeChoice,
    ChallengeType,
    KeyType,
    Problem,
    RequestSpec,
    SaveMode,
    ServerSight,
    SubProblem,
)
from tests.db.samples import Filled

any_text = st.text(st.characters(), max_size=30)
"""Lone surrogates and NUL included: JSON from a CA may hold them."""

problems = st.builds(
    Problem,
    type=any_text,
    detail=any_text,
    what=any_text,
    hint=any_text,
    where=any_text,
    http_status=st.none() | st.integers(100, 599),
    retry_after=st.none() | st.floats(0, 1e9),
    subproblems=st.lists(
        st.builds(SubProblem, identifier=any_text, type=any_text, detail=any_text), max_size=3
    ).map(tuple),
    instance=any_text,
)
choices = st.builds(
    ChallengeChoice,
    type=st.none() | st.sampled_from(ChallengeType),
    dns_account=st.none() | any_text,
    server=st.none() | any_text,
)
specs = st.builds(
    RequestSpec,
    names=st.lists(any_text, max_size=4).map(tuple),
    account=any_text,
    key_type=st.sampled_from(KeyType),
    profile=st.none() | any_text,
    label=st.none() | any_text,
    auto_save=st.sampled_from(SaveMode),
    choices=st.dictionaries(any_text, choices, max_size=3),
    csr_pem=st.none() | any_text,
)
sights = st.builds(
    ServerSight,
    name=any_text,
    address=any_text,
    seen=st.booleans(),
    detail=any_text,
    milliseconds=st.none() | st.floats(0, 1e6),
)


@given(problems)
def test_a_problem_comes_back_as_it_was(problem: Problem) -> None:
    stored = json.dumps(documents.problem_to_json(problem))

    assert documents.problem_from_json(json.loads(stored)) == problem


@given(specs)
def test_a_spec_comes_back_as_it_was(spec: RequestSpec) -> None:
    stored = json.dumps(documents.spec_to_json(spec))

    assert documents.spec_from_json(json.loads(stored)) == spec


@given(st.lists(sights, max_size=4).map(tuple))
def test_sights_come_back_as_they_were(seen: tuple[ServerSight, ...]) -> None:
    stored = json.dumps(documents.sights_to_json(seen))

    assert documents.sights_from_json(json.loads(stored)) == seen


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems, step=any_text)
def test_hostile_words_of_a_ca_can_be_stored(db: Database, problem: Problem, step: str) -> None:
    request = Filled(db).request(status="draft")

    db.write_sync(lambda s: requests.update(s, request.id, problem=problem, step=step))

    found = db.read_sync(lambda s: requests.get(s, request.id))
    assert found is not None
    assert found.problem == problem
    assert found.step == storable(step)


@given(
    st.lists(
        st.datetimes(
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
            min_value=datetime(2, 1, 1),
            max_value=datetime(9998, 1, 1),
        )
    )
)
def test_stored_times_sort_like_times(times: list[datetime]) -> None:
    stored = [utc_text(moment) for moment in times]

    assert sorted(stored) == [utc_text(moment) for moment in sorted(times)]
    assert [datetime.fromisoformat(text) for text in stored] == times
    assert {len(text) for text in stored} <= {27}


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        utc_text(datetime(2026, 1, 1))
