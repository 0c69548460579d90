"""Retry-After and Link headers in every form they come in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.acme.reply import LONGEST_WAIT, Reply, parse_links, parse_retry_after
from kmtui.core.errors import ProtocolViolation

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
URL = "https://ca.test/cert/1"


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        (" 30 ", 30.0),
        ("86400", 86400.0),
        ("100000000000000", LONGEST_WAIT),
        ("9" * 5000, LONGEST_WAIT),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 21:00:30 +0900", 30.0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30.0),
        ("Sun Mar  1 12:00:30 2026", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("-5", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
@pytest.mark.usefixtures("zone")
def test_retry_after_means_the_same_in_every_time_zone(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} -?\d+ \d+:\d+:\d+ [+-]?\w+"))
def test_no_retry_after_is_fatal(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


def reply(body: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(URL, 200, httpx.Headers(named), body, NOW)


def test_a_wrong_clock_of_ours_does_not_matter_when_the_ca_tells_its_own() -> None:
    theirs = NOW + timedelta(days=3)
    late = format_datetime(theirs + timedelta(seconds=20), usegmt=True)
    assert reply(Date=format_datetime(theirs, usegmt=True), Retry_After=late).retry_after == 20.0


ALTERNATE = [f"{URL}/1", f"{URL}/2"]


@pytest.mark.parametrize(
    "headers",
    [
        [f'<{URL}/1>;rel="alternate"', f'<{URL}/2>;rel="alternate"'],
        [f'<{URL}/1>;rel="alternate", <{URL}/2>; rel="alternate"'],
        [f"<{URL}/1>;rel=alternate,<{URL}/2>;rel=alternate"],
        [f'<{URL}/1>; title="a, b; c"; REL = "Alternate"', f'<{URL}/2>;rel="up alternate"'],
        ["</cert/1/1>;rel=alternate", "<1/2>;rel=alternate", "<https://x>", "rubbish", ""],
    ],
)
def test_all_alternate_links_are_seen(headers: list[str]) -> None:
    assert parse_links(headers, URL)["alternate"] == ALTERNATE


@given(st.lists(st.text(alphabet='<>;=", relatn/:[]x'), max_size=4))
def test_no_link_header_is_fatal(headers: list[str]) -> None:
    for targets in parse_links(headers, URL).values():
        assert all(isinstance(target, str) for target in targets)


def test_a_long_link_header_is_no_burden() -> None:
    started = time.process_time()
    parse_links(["<x>" + "; rel" * 20_000, "<" * 100_000, '<x>;rel="' + " " * 50_000], URL)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b'"x"', b"1" * 6000, b"[" * 100_000, b"{\xff}", b'{"a": NaN}'],
)
def test_a_body_that_is_no_object_is_a_violation(body: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="the CA's order is not"):
        reply(body).json_object("order")


@given(st.binary(max_size=300))
def test_every_error_reply_becomes_a_problem(body: bytes) -> None:
    problem = Reply(URL, 500, httpx.Headers(), body, NOW).problem()
    assert problem.http_status == 500
    assert problem.what
    assert problem.hint
