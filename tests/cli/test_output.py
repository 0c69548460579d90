"""Tables, facts and documents: what people and scripts read."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from kmtui.cli import documents
from kmtui.cli.outcome import as_error, batch_exit_code, exit_code, summary
from kmtui.cli.output import Output, facts, table
from kmtui.model import Certificate, Challenge, Problem, Request, RequestSpec, ServerSight, Version

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


def a_request(status: str = "available", problem: Problem | None = None) -> Request:
    return Request(
        id="r1",
        number=7,
        kind="issue",
        certificate_id="c1",
        certificate="shop",
        names=("shop.example.org",),
        account_id="a1",
        account="main",
        status=status,
        step="",
        created_at=NOW,
        spec=RequestSpec(names=("shop.example.org",), account="a1"),
        problem=problem,
    )


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert table(["name", "days"], [("shop", 7), ("a.example.org", 120), ("new", None)]) == [
        "NAME           DAYS",
        "shop              7",
        "a.example.org   120",
        "new",
    ]


def test_wide_characters_count_as_wide() -> None:
    lines = table(["name", "x"], [("例え", "1"), ("abcd", "2")])

    assert lines[1:] == ["例え  1", "abcd  2"]


def test_facts_leave_out_what_is_empty() -> None:
    assert facts([("Name", "shop"), ("Proxy", None), ("Test only", False), ("Names", ())]) == [
        "Name       shop",
        "Test only  no",
    ]


@given(st.text(max_size=60))
def test_no_cell_commands_the_terminal_or_breaks_its_line(text: str) -> None:
    (line,) = facts([("Label", text)]) or ["Label"]

    assert all(char.isprintable() or char in "\u3000\xa0" or ord(char) > 127 for char in line)
    assert not set(line) & {"\x1b", "\n", "\r", "\x9b", "\u202e", "\u200b"}


def test_json_is_one_document_and_notes_go_elsewhere() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json=True, stdout=out, stderr=err)

    output.note("working")
    output.answer({"accounts": [{"name": "例え\x1b"}]}, ["unused"])

    assert json.loads(out.getvalue()) == {"schema": 1, "accounts": [{"name": "例え\x1b"}]}
    assert "\x1b" not in out.getvalue()
    assert err.getvalue() == "working\n"


def test_times_are_utc_with_z() -> None:
    there = datetime(2026, 10, 1, 14, 0, 5, 999, tzinfo=timezone(timedelta(hours=2)))

    assert documents.moment(there) == "2026-10-01T12:00:05Z"
    assert documents.moment(None) is None


def test_a_certificate_has_the_fields_of_the_contract() -> None:
    row = Certificate(
        id="c1",
        name="shop",
        names=("shop.example.org",),
        account_id="a1",
        account="main",
        ca="sandbox",
        key_type="ec256",
        profile=None,
        auto_renew=True,
        auto_save="ask",
        created_at=NOW,
        current_version=2,
        unsaved_version=3,
        not_before=NOW - timedelta(days=60),
        not_after=NOW + timedelta(days=30, hours=1),
        last_request_id="r1",
        last_request_status="failed",
    )

    document = documents.certificate(row, NOW)

    assert {
        "id",
        "name",
        "names",
        "account",
        "ca",
        "status",
        "current_version",
        "unsaved_version",
        "not_after",
        "days_left",
        "auto_renew",
        "auto_save",
        "renew_at",
        "last_request",
        "archived",
    } <= document.keys()
    assert (document["status"], document["days_left"]) == ("valid", 30)
    assert document["renew_at"] == "2026-10-01T12:40:00Z"
    assert document["last_request"]["status"] == "failed"


def test_a_version_shows_its_chain_only_when_asked() -> None:
    row = Version(
        id="v1",
        certificate_id="c1",
        certificate="shop",
        request_id="r1",
        number=1,
        serial="03ab",
        issuer="CA",
        subject="",
        names=("shop.example.org",),
        not_before=NOW,
        not_after=NOW + timedelta(days=90),
        key_type="ec256",
        sha256="00",
        spki_sha256="11",
        issued_at=NOW,
        chain_pem="PEM",
    )

    assert "chain_pem" not in documents.version(row, NOW)
    shown = documents.version(row, NOW, with_chain=True)
    assert (shown["chain_pem"], shown["status"], shown["serial"]) == ("PEM", "available", "03ab")


def test_a_request_shows_who_sees_what() -> None:
    challenge = Challenge(
        id="h1",
        request_id="r1",
        identifier="shop.example.org",
        wildcard=False,
        type="dns-01",
        status="waiting",
        fqdn="_acme-challenge.shop.example.org",
        value="x",
        detail="",
        servers=(ServerSight(name="ns1.example.org", address="192.0.2.1", seen=True),),
        via="ns1",
    )
    problem = Problem(type="urn:ietf:params:acme:error:dns", detail="SERVFAIL", hint="look")

    document = documents.request(a_request("failed", problem), [challenge])

    assert document["challenges"][0]["servers"] == [
        {"name": "ns1.example.org", "address": "192.0.2.1", "seen": True, "detail": ""}
    ]
    assert document["error"]["type"].endswith(":dns")
    assert document["error"]["subproblems"] == []


def test_exit_codes_of_requests() -> None:
    codes = [exit_code(a_request(status)) for status in ("saved", "failed", "parked", "ordering")]

    assert codes == [0, 1, 75, 75]
    assert [batch_exit_code(c) for c in ([0, 0], [1, 1], [75], [0, 1], [])] == [0, 1, 75, 3, 0]
    assert summary([0, 0, 1, 75], 1.23456) == {
        "available": 2,
        "failed": 1,
        "parked": 1,
        "seconds": 1.235,
    }


def test_a_failed_request_ends_its_command_with_the_cas_own_word() -> None:
    problem = Problem(type="urn:ietf:params:acme:error:rateLimited", detail="slow down")

    error = as_error(problem)

    assert (error.code, error.message, error.problem) == ("rateLimited", "slow down", problem)
