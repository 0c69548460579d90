"""What finds certificates: each filter word, and the orders that are no column."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kmtui.core.errors import InvalidInput
from kmtui.core.names import Mapped
from kmtui.db import certificates, mapped_names
from kmtui.db.database import Database
from kmtui.db.filter_values import span
from kmtui.db.tables import MappingRow
from kmtui.model import RequestStatus
from kmtui.model.filterwords import FILTER_WORDS
from tests.db.samples import DAY, NOW, Filled, query


@pytest.fixture
def filled(db: Database) -> Filled:
    return Filled(db)


def shown(filled: Filled, text: str = "", **fields: object) -> list[str]:
    asked = query(text, **{"sort": "name", **fields})
    found = filled.db.read_sync(lambda session: certificates.page(session, asked))
    number = filled.db.read_sync(lambda session: certificates.count(session, asked))
    assert number == len(found)
    return [row.name for row in found]


def refused(filled: Filled, text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        shown(filled, text)
    assert caught.value.field == "filter"
    return caught.value


def issued(filled: Filled, name: str, days_left: float, **fields: object) -> None:
    """A saved certificate with so many of its 90 days left."""
    end = NOW + days_left * DAY
    filled.version(
        filled.certificate(name, names=(f"{name}.example.org",)),
        saved=True,
        **{"not_before": end - 90 * DAY, "not_after": end, **fields},
    )


def test_the_help_names_every_word_in_the_order_of_the_error(filled: Filled) -> None:
    known = [f"{each.word}:" for each in FILTER_WORDS["certificates"]]

    assert f"there are {' '.join(known)};" in refused(filled, "colour:red").hint


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<30d", ["near", "over"]),
        (">30d", ["far"]),
        ("<-1d", ["over"]),
        ("<1w", ["over"]),
        ("2026-10", ["near"]),
        ("2026-10-22", ["near"]),
        ("2026", ["far", "near", "over"]),
        ("2026-10..2026-11", ["near"]),
        ("2026-10..2026-12", ["far", "near"]),
        ("..2026-10", ["near", "over"]),
        ("2026-11..", ["far"]),
    ],
)
def test_certificates_are_found_by_when_they_expire(
    filled: Filled, value: str, found: list[str]
) -> None:
    for name, days in (("near", 20.5), ("far", 80.5), ("over", -10.5)):
        issued(filled, name, days)
    filled.certificate("never-issued")

    assert shown(filled, f"expires:{value}") == found


def test_certificates_are_found_by_when_they_renew(filled: Filled) -> None:
    issued(filled, "soon", 40)  # due when 30 of its 90 days are left
    issued(filled, "later", 80)

    assert shown(filled, "renews:<14d") == ["soon"]
    assert shown(filled, "renews:2026-11") == ["later"]


@pytest.mark.parametrize("value", ["soon", "<30", "30d", "2027-13", "2027-1", "..", "<99999999d"])
def test_a_time_that_says_nothing_is_refused_with_examples(filled: Filled, value: str) -> None:
    error = refused(filled, f"expires:{value}")

    assert error.message == f"expires:{value} says nothing"
    assert "2027-01..2027-03" in error.hint


@given(st.text(alphabet="0123456789-.<>dwh "))
@example("<99999w")
@example(">-99999w")
@example("9999..9999-12-31")
def test_any_text_is_a_span_of_time_or_is_refused(value: str) -> None:
    try:
        start, end = span(value, NOW)
    except ValueError as refusal:
        told = str(refusal)
        start, end = NOW, NOW
    else:
        told = "2027-01"
    assert "2027-01" in told
    assert end - start < timedelta.max


# --- numbers --------------------------------------------------------------------------------------


def test_any_version_is_found_by_the_start_of_its_serial_or_fingerprint(filled: Filled) -> None:
    shop = filled.certificate("shop")
    filled.version(shop, saved=True, serial="04ab12cd", sha256="9f3ce1" + "0" * 58)
    filled.version(shop, saved=True, serial="05ab12cd", sha256="aa" * 32)
    filled.version(filled.certificate("other"), serial="04ab99", sha256="bb" * 32)

    assert shown(filled, "serial:04AB12") == ["shop"]
    assert shown(filled, "serial:04:ab") == ["other", "shop"]
    assert shown(filled, "sha256:9F:3C:E1") == ["shop"]
    assert shown(filled, "fingerprint:9f3c") == ["shop"]
    assert shown(filled, "!serial:04ab") == []


def test_a_short_number_is_the_whole_serial(filled: Filled) -> None:
    filled.version(filled.certificate("old"), serial="1a")
    filled.version(filled.certificate("new"), serial="1abc", sha256="cc" * 32)

    assert shown(filled, "serial:1a") == ["old"]
    assert "hexadecimal" in refused(filled, "serial:xyz").hint


# --- who, where, what -----------------------------------------------------------------------------


def test_issuer_and_key_are_found(filled: Filled) -> None:
    issued(filled, "one", 50, issuer="Example CA R11")
    issued(filled, "two", 50, issuer="Other CA E5")
    filled.certificate("rsa", key_type="rsa2048")

    assert shown(filled, 'issuer:"example ca"') == ["one"]
    assert shown(filled, "!issuer:example") == ["rsa", "two"]
    assert shown(filled, "key:rsa") == ["rsa"]


def test_one_that_was_tried_and_failed_or_is_under_way_is_found(filled: Filled) -> None:
    for name, status in (("bad", RequestStatus.FAILED), ("busy", RequestStatus.VALIDATING)):
        certificate = filled.certificate(name, names=(f"{name}.example.org",))
        filled.request(f"{name}.example.org", certificate_id=certificate.id, status=status)

    assert shown(filled, "status:failing") == ["bad"]
    assert shown(filled, "status:running") == ["busy"]


def test_server_finds_what_is_put_there_and_what_is_proved_there(filled: Filled) -> None:
    web = filled.server("web1")
    filled.target(filled.certificate("put", names=("put.example.net",)), server_id=web.id)
    filled.mapping("proved.example.org", challenge_type="http-01", server_id=web.id)
    filled.certificate("proved", names=("proved.example.org",))
    filled.certificate("neither")

    assert shown(filled, "server:web") == ["proved", "put"]
    assert shown(filled, "server:mail") == []


def test_dns_finds_what_the_nearest_mapping_leads_to(filled: Filled) -> None:
    wide, narrow = filled.dns_account("wide"), filled.dns_account("narrow")
    filled.mapping(".example.org", dns_account_id=wide.id)
    filled.mapping(".shop.example.org", dns_account_id=narrow.id)
    filled.certificate("blog", names=("blog.example.org",))
    filled.certificate("shop", names=("www.shop.example.org",))
    filled.certificate("both", names=("example.org", "shop.example.org"))
    filled.certificate("elsewhere", names=("badexample.org",))

    assert shown(filled, "dns:wide") == ["blog", "both"]
    assert shown(filled, "dns:narrow") == ["both", "shop"]


PATTERNS = ["a.test", "*.a.test", ".a.test", "b.a.test", "*.b.a.test", ".b.a.test", ".test"]
NAMES = ["a.test", "*.a.test", "b.a.test", "*.b.a.test", "c.b.a.test", "ba.test", "x.test"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.tuples(st.sampled_from(PATTERNS), st.booleans()), st.booleans()))
def test_the_query_finds_the_mapping_that_a_request_would_go_by(
    db: Database, chosen: dict[tuple[str, bool], bool]
) -> None:
    """Per pattern and challenge type: whether it leads to the DNS account or server looked for."""
    filled = Filled(db)

    def wipe(session: object) -> None:
        for table in ("certificate_name", "mapping", "certificate", "dns_account", "end_server"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")  # type: ignore[attr-defined]

    db.write_sync(wipe)
    accounts = {True: filled.dns_account("here"), False: filled.dns_account("there")}
    servers = {True: filled.server("here"), False: filled.server("there")}
    here = {accounts[True].id, servers[True].id}
    rows = []
    for (pattern, dns), wanted in chosen.items():
        place = {"dns_account_id": accounts[wanted].id, "challenge_type": "dns-01"}
        if not dns:
            place = {"server_id": servers[wanted].id, "challenge_type": "http-01"}
        rows.append(filled.mapping(pattern, **place))
    certificate_of = {filled.certificate(name, names=(name,)).id: name for name in NAMES}

    def led(row: MappingRow) -> bool:
        return (row.dns_account_id or row.server_id) in here

    found = db.read_sync(lambda session: set(session.exec(mapped_names.led(session, led))))

    # then: where two types have the same pattern, either is a request's way
    mapped = Mapped(rows)
    for certificate_id, name in certificate_of.items():
        ruling = mapped.best(name)
        if ruling is None:
            assert certificate_id not in found
            continue
        equals = [row for row in rows if row.pattern == ruling.pattern]
        if name.startswith("*."):
            equals = [row for row in equals if row.challenge_type == "dns-01"]
        expected = any((row.dns_account_id or row.server_id) in here for row in equals)
        assert (certificate_id in found) == expected


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("descending", [False, True])
def test_the_order_by_status_begins_with_what_needs_an_operator(
    filled: Filled, descending: bool
) -> None:
    issued(filled, "f-valid", 80)
    issued(filled, "c-due", 20)
    issued(filled, "a-expired", -1)
    issued(filled, "b-expiring", 2)
    issued(filled, "b-expiring-later", 3)
    filled.certificate("e-pending")
    filled.version(filled.certificate("d-available"))

    found = shown(filled, sort="status", descending=descending)

    assert found == sorted(found, reverse=descending)
    assert len(found) == 7
    assert shown(filled, "exp", sort="status", descending=descending) == [
        each for each in found if "exp" in each
    ]


@pytest.mark.parametrize("descending", [False, True])
def test_the_order_by_account_goes_by_its_name_and_pages(filled: Filled, descending: bool) -> None:
    later, first = filled.account("zs"), filled.account("le")
    for number in range(3):
        filled.certificate(f"b{number}", account_id=later.id)
        filled.certificate(f"a{number}", account_id=first.id)
        filled.certificate(f"c{number}")

    whole = shown(filled, sort="account", descending=descending)
    pages = []
    for offset in range(0, 12, 2):
        asked = query(sort="account", descending=descending, offset=offset, limit=2)
        pages += [
            row.name for row in filled.db.read_sync(lambda s, q=asked: certificates.page(s, q))
        ]

    assert [name[0] for name in whole] == sorted("aaabbbccc", reverse=descending)
    assert pages == whole


def test_an_unknown_order_names_the_known_ones(filled: Filled) -> None:
    with pytest.raises(InvalidInput, match="cannot sort by 'colour'") as caught:
        shown(filled, sort="colour")

    assert "status, account" in caught.value.hint
