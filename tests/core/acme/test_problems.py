"""Problem documents: tolerant reading, words for an operator, what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.acme.advice import ADVICE, CHALLENGE_ADVICE, OWN_ADVICE, Action
from kmtui.core.acme.problems import action_for, bare_problem, own_problem, parse_problem, refusal
from kmtui.core.errors import AcmeError, CaUnreachable

URN = "urn:ietf:params:acme:error:"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = ["type", "detail", "title", "instance", "subproblems", "algorithms", "identifier"]


@given(st.dictionaries(st.sampled_from(MEMBERS), json_values))
def test_no_problem_document_causes_another_problem(document: dict[str, Any]) -> None:
    problem = parse_problem(document, http_status=400)
    assert problem.what
    assert isinstance(problem.detail, str)


def test_a_full_document_is_read() -> None:
    problem = parse_problem(
        {
            "type": URN + "rejectedIdentifier",
            "detail": "two names refused",
            "subproblems": [
                {
                    "type": URN + "malformed",
                    "detail": "bad label",
                    "identifier": {"type": "dns", "value": "_x.example.org"},
                },
                {"type": URN + "dns", "identifier": {"type": "permanent-id", "value": "7"}},
                "not an object",
            ],
        },
        http_status=403,
        where="https://ca.test/new-order",
    )
    assert problem.short_type == "rejectedIdentifier"
    assert [part.identifier for part in problem.subproblems] == ["_x.example.org", "7"]
    assert problem.where == "https://ca.test/new-order"
    assert action_for(problem) is Action.FIX_INPUT


def test_accepted_algorithms_are_part_of_the_hint() -> None:
    document = {"type": URN + "badSignatureAlgorithm", "algorithms": ["RS256", 7, "ES256"]}
    assert "RS256, ES256" in parse_problem(document).hint


@pytest.mark.parametrize("relation", ["terms-of-service", "help"])
def test_a_link_for_a_human_is_kept(relation: str) -> None:
    links = {relation: ["https://ca.test/read"]}
    document = {"type": URN + "userActionRequired"}
    assert parse_problem(document, links=links).instance == "https://ca.test/read"
    told = parse_problem({**document, "instance": "https://ca.test/terms"}, links=links)
    assert told.instance == "https://ca.test/terms"


@pytest.mark.parametrize(
    ("type_", "detail", "action"),
    [
        ("malformed", "must agree to terms of service", Action.NEEDS_HUMAN),
        ("agreementRequired", "", Action.NEEDS_HUMAN),
        ("userActionRequired", "", Action.NEEDS_HUMAN),
        ("malformed", "not awaiting External Account Binding", Action.NEEDS_HUMAN),
        ("unauthorized", "account is deactivated", Action.NEEDS_HUMAN),
        ("rateLimited", "paused; to unpause see https://ca.test/u", Action.NEEDS_HUMAN),
        ("rateLimited", "too many orders", Action.NEEDS_HUMAN),
        ("malformed", "cannot parse", Action.STOP),
        ("alreadyReplaced", "", Action.DROP_REPLACES),
        ("serverInternal", "", Action.RETRY_LATER),
        ("somethingNew", "", Action.STOP),
    ],
)
def test_what_to_do_follows_from_type_and_clues(type_: str, detail: str, action: Action) -> None:
    problem = parse_problem({"type": URN + type_, "detail": detail}, http_status=400)
    assert action_for(problem) is action


def test_a_rate_limit_with_an_end_is_waited_for() -> None:
    problem = parse_problem({"type": URN + "rateLimited"}, http_status=429, retry_after=60.0)
    assert action_for(problem) is Action.RETRY_LATER


def test_unauthorized_means_something_else_inside_a_challenge() -> None:
    document = {"type": URN + "unauthorized", "detail": "got 404; account deactivated page"}
    at_request = parse_problem(document, http_status=403)
    at_challenge = parse_problem(document, in_challenge=True)
    assert "deactivated" in at_request.what
    assert "did not find" in at_challenge.what


def test_missing_types_are_told_by_the_status() -> None:
    assert "rate limit" in parse_problem({"detail": "slow down"}, http_status=429).what
    assert "internal error" in parse_problem({"detail": "oops"}, http_status=500).what


@pytest.mark.parametrize("status", [400, 403, 404, 405, 418, 429, 500, 502, 503, 504, 599, 999])
def test_an_error_page_becomes_a_problem(status: int) -> None:
    problem = bare_problem(
        status, "text/html", "<p>Go <b>away</b></p>", retry_after=None, where="https://ca.test/"
    )
    assert f"HTTP {status}" in problem.detail
    assert problem.detail.endswith("Go away")
    assert isinstance(refusal(problem), CaUnreachable) == (status in (429, 502, 503, 504))


def test_long_details_are_cut_in_the_message_and_kept_in_the_problem() -> None:
    error = refusal(parse_problem({"type": URN + "dns", "detail": "x" * 10_000}))
    assert isinstance(error, AcmeError)
    assert len(error.message) < 700
    assert error.problem is not None
    assert len(error.problem.detail) == 4000


def test_every_type_has_words_of_its_own() -> None:
    for advice in [*ADVICE.values(), *CHALLENGE_ADVICE.values(), *OWN_ADVICE.values()]:
        assert advice.what[0].isupper()
        assert not advice.what.endswith(".")
        assert advice.hint
    for type_ in OWN_ADVICE:
        assert own_problem(type_).what == OWN_ADVICE[type_].what
