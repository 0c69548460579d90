"""Azure DNS: whatever an answer holds, it is read as something or as nothing; sets keep what they
are not asked to give up."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.dns.api import Reply
from kmtui.core.dns.azure_errors import Saying
from kmtui.core.dns.azure_records import TxtSet
from kmtui.core.dns.azure_token import Token

TOKENS = ["access_token", "accessToken", "expires_in", "expires_on", "expiresOn"]
ERRORS = ["error", "code", "message", "error_description"]
SETS = ["properties", "etag", "TTL", "TXTRecords", "metadata", "value"]
WORDS = st.sampled_from(TOKENS + ERRORS + SETS)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=20,
)
RECORDS = st.lists(
    st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3).map(
        lambda strings: {"value": strings}
    ),
    max_size=6,
)
VALUES = st.sets(st.text(min_size=1, max_size=8), max_size=4)


@given(JSON)
def test_an_answer_has_a_token_that_can_be_sent_or_none(answer: object) -> None:
    token = Token.read(answer)

    assert token is None or (token.seconds >= 1 and token.text.isascii() and token.text)


@given(JSON)
def test_an_error_has_words_or_none(answer: object) -> None:
    said = Saying.read(answer)

    assert "\n" not in said.text


@given(JSON)
def test_a_record_set_has_an_etag_or_is_none(answer: object) -> None:
    found = TxtSet.read(Reply(200, {}, json.dumps(answer).encode()))

    assert found is None or found.etag


@given(RECORDS, VALUES)
def test_values_that_come_and_go_leave_all_others_as_they_were(
    records: list[dict[str, list[str]]], values: set[str]
) -> None:
    before = TxtSet(3600, tuple(records), {"owner": "x"}, "etag-1")
    ours = values - before.values

    after = before.with_values(values)

    assert after.values == before.values | values
    assert len(after.records) == len(records) + len(ours)
    assert after.without(ours) == before
