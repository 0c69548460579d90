"""Resources as CAs really describe them: incomplete, extended, sometimes plain wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.acme.objects import (
    Account,
    Authorization,
    Challenge,
    Directory,
    Identifier,
    Order,
)
from kmtui.core.errors import ProtocolViolation
from tests.core.acme.test_problems import json_values

URL = "https://ca.test/object"
DNS = {"type": "dns", "value": "example.org"}
FULL: dict[type, dict[str, Any]] = {
    Directory: {
        "newNonce": URL, "newAccount": URL, "newOrder": URL, "revokeCert": URL,
        "meta": {"termsOfService": URL, "caaIdentities": ["x"], "profiles": {"a": "b"}},
    },
    Account: {"status": "valid", "contact": ["mailto:a@example.org"], "orders": URL},
    Order: {
        "status": "pending", "identifiers": [DNS], "authorizations": [URL], "finalize": URL,
        "certificate": URL, "expires": "2026-01-01T00:00:00Z", "error": {"type": "x"},
    },
    Authorization: {
        "status": "pending", "identifier": DNS, "wildcard": True, "expires": "never",
        "challenges": [{"type": "dns-01", "url": URL, "status": "pending", "token": "abc"}],
    },
    Challenge: {"type": "dns-01", "url": URL, "status": "valid", "error": {"detail": "x"}},
}  # fmt: skip


@pytest.mark.parametrize("cls", FULL)
@given(data=st.data())
def test_wrong_types_are_violations_and_nothing_worse(cls: Any, data: st.DataObject) -> None:
    document = dict(FULL[cls])
    for key in data.draw(st.sets(st.sampled_from(sorted(document)), min_size=1, max_size=3)):
        document[key] = data.draw(json_values)
    try:
        parsed = cls.parse(document, url=URL)
    except ProtocolViolation:
        return
    assert parsed.raw is document


@pytest.mark.parametrize("cls", FULL)
def test_nulls_are_absences(cls: Any) -> None:
    necessary = {"newNonce", "newAccount", "newOrder", "status", "identifier"}
    document = {k: v if k in necessary else None for k, v in FULL[cls].items()}
    assert cls.parse(document, url=URL).url == URL


def test_an_order_may_lack_what_it_does_not_need_yet() -> None:
    order = Order.parse({"status": "valid", "identifiers": [DNS]}, url=URL, retry_after=3.0)
    assert (order.expires, order.authorizations, order.finalize) == (None, (), None)
    assert order.retry_after == 3.0


def test_times_are_read_in_any_offset() -> None:
    order = Order.parse(
        {"status": "ready", "expires": "2026-01-01T09:00:00.123456789+09:00"}, url=URL
    )
    assert order.expires == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "token",
    [None, 7, "", "../../etc/passwd", "a/b", "a.b", "a b", "x" * 129, "abc\n", "tokén", ["a"]],
)
def test_an_unsafe_token_is_kept_out_of_use(token: object) -> None:
    challenge = Challenge.parse({"type": "http-01", "url": URL, "token": token})
    assert challenge.type == "http-01"
    with pytest.raises(ProtocolViolation, match="no token"):
        _ = challenge.token


@pytest.mark.edge(18)
def test_an_odd_token_is_used_exactly_as_sent() -> None:
    token = "A" * 42 + "B"
    assert Challenge.parse({"type": "http-01", "url": URL, "token": token}).token == token


@pytest.mark.edge(16)
def test_unknown_words_are_no_obstacle() -> None:
    authorization = Authorization.parse(
        {
            "status": "on-holiday",
            "identifier": {"type": "permanent-id", "value": "7"},
            "challenges": [{"type": "dns-persist-01", "url": URL}, {"type": "device-attest-01"}],
        },
        url=URL,
    )
    assert authorization.status == "on-holiday"
    assert [each.type for each in authorization.challenges] == [
        "dns-persist-01",
        "device-attest-01",
    ]
    assert authorization.challenges[0].status == "pending"
    assert authorization.challenge("http-01") is None


def test_a_wildcard_authorization_bears_the_ordered_name() -> None:
    document = {"status": "pending", "identifier": DNS, "wildcard": True}
    assert Authorization.parse(document, url=URL).name == "*.example.org"
    assert Authorization.parse({**document, "wildcard": False}, url=URL).name == "example.org"


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("Example.ORG", Identifier("dns", "example.org")),
        ("*.example.org", Identifier("dns", "*.example.org")),
        ("192.0.2.7", Identifier("ip", "192.0.2.7")),
        ("2001:DB8:0:0::7", Identifier("ip", "2001:db8::7")),
    ],
)
def test_names_become_canonical_identifiers(name: str, identifier: Identifier) -> None:
    assert Identifier.of(name) == identifier
    assert Identifier.parse(identifier.document()) == identifier


def test_absurd_counts_are_refused() -> None:
    with pytest.raises(ProtocolViolation, match="more than 1000"):
        Order.parse({"status": "pending", "authorizations": [URL] * 1001}, url=URL)
    with pytest.raises(ProtocolViolation, match="longer than"):
        Order.parse({"status": "x" * 9000}, url=URL)
