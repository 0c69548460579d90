"""Names: one canonical form, and nothing else gets through."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.errors import InvalidInput
from kmtui.core.names import (
    base_name,
    best,
    display_name,
    is_ip,
    is_wildcard,
    matches,
    normalise_name,
    normalise_names,
    normalise_pattern,
    normalise_zone,
    split_names,
)
from kmtui.model import Mapping

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "test"]))
NAME = st.one_of(HOST, HOST.map(lambda host: "*." + host), st.ip_addresses().map(str))


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("example.org", "example.org"),
        (" Example.ORG. ", "example.org"),
        ("*.Example.org", "*.example.org"),
        ("bücher.example.org", "xn--bcher-kva.example.org"),
        ("BÜCHER.example.org", "xn--bcher-kva.example.org"),
        ("faß.test", "xn--fa-hia.test"),
        ("*.bücher.test", "*.xn--bcher-kva.test"),
        ("www。example。org", "www.example.org"),
        ("xn--bcher-kva.test", "xn--bcher-kva.test"),
        ("xn--ls8h.test", "xn--ls8h.test"),
        ("localhost", "localhost"),
        ("1.example.org", "1.example.org"),
        ("a-b.test", "a-b.test"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
    ],
)
def test_one_canonical_form(written: str, canonical: str) -> None:
    assert normalise_name(written) == canonical


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "empty label"),
        (".", "empty label"),
        ("example..org", "empty label"),
        (".example.org", "empty label"),
        ("example.org..", "empty label"),
        ("-a.test", "letters, digits"),
        ("a-.test", "letters, digits"),
        ("a b.test", "letters, digits"),
        ("a_b.test", "underscore"),
        ("../../etc/passwd", "empty label"),
        ("a/b.test", "letters, digits"),
        ("-rf", "letters, digits"),
        ("a.test\x1b[2J", "letters, digits"),
        ("a\n.test", "letters, digits"),
        ("a\0.test", "letters, digits"),
        ("user@example.org", "letters, digits"),
        ("https://example.org", "letters, digits"),
        ("example.org:443", "letters, digits"),
        ("*", "asterisk"),
        ("*.", "empty label"),
        ("*.*.test", "asterisk"),
        ("a.*.test", "asterisk"),
        ("a*.test", "asterisk"),
        ("*a.test", "asterisk"),
        ("*.192.0.2.7", "neither a domain name nor an IP"),
        ("*.2001:db8::1", "letters, digits"),
        ("192.0.2", "neither a domain name nor an IP"),
        ("192.0.2.256", "neither a domain name nor an IP"),
        ("010.0.0.1", "neither a domain name nor an IP"),
        ("fe80::1%eth0", "one machine only"),
        ("::ffff:192.0.2.7", "IPv4 address itself"),
        ("a" * 64 + ".test", "at most 63"),
        ("ab--cd.test", "hyphens"),
        ("xn--99999999.test", "hyphens"),
        ("xn--.test", "letters, digits"),
        ("ü" * 60 + ".test", "internationalised"),
        ("a\u202eb.test", "internationalised"),
        ("a\u200bü_.test", "internationalised"),
        ("x" * 5000, "at most 253"),
        ("ü" * 5000, "at most 253"),
        (".".join(["a" * 49] * 5) + ".test", "at most 253"),
    ],
)
def test_what_is_no_name_is_refused_with_its_reason(bad: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        normalise_name(bad)
    assert caught.value.field == "names"
    assert len(caught.value.message) < 400


def test_the_longest_name_fits_and_its_wildcard_does_not() -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(longest) == 253

    assert normalise_name(longest + ".") == longest
    with pytest.raises(InvalidInput, match="253"):
        normalise_name("*." + longest)


def test_names_keep_their_order_and_come_once() -> None:
    names = normalise_names(["b.test", "A.test", "a.test.", "*.b.test", "B.test"])

    assert names == ("b.test", "a.test", "*.b.test")


def test_the_bad_one_of_several_is_quoted() -> None:
    with pytest.raises(InvalidInput, match=r"“b_d\.test”"):
        normalise_names(["good.test", "b_d.test"])


def test_no_names_at_all_is_bad_input() -> None:
    with pytest.raises(InvalidInput, match="at least one") as caught:
        normalise_names([])
    assert caught.value.field == "names"


def test_names_are_split_at_spaces_commas_and_newlines() -> None:
    assert split_names(" a.test, b.test;c.test\n\td.test ,\r\n") == [
        "a.test",
        "b.test",
        "c.test",
        "d.test",
    ]
    assert split_names(" \n") == []


@given(NAME)
def test_a_canonical_name_stays_as_it_is(name: str) -> None:
    try:
        canonical = normalise_name(name)
    except InvalidInput:
        return
    assert normalise_name(canonical) == canonical


@given(st.text(max_size=80))
def test_any_text_gives_a_clean_name_or_bad_input(text: str) -> None:
    try:
        name = normalise_name(text)
    except InvalidInput:
        return
    assert set(name) <= set(string.ascii_lowercase + string.digits + ".-*:")
    assert normalise_name(name) == name
    display_name(name)


@given(st.text(alphabet="aßöλ\u0301न\u200dxX-.*_:。1２%ﬁ", max_size=30))
def test_tricky_letters_give_a_stable_name_or_bad_input(text: str) -> None:
    try:
        name = normalise_name(text)
    except InvalidInput:
        return
    assert name.isascii()
    assert normalise_name(name) == name


def test_kinds_of_name() -> None:
    assert is_ip("2001:db8::1")
    assert not is_ip("example.org")
    assert is_wildcard("*.example.org")
    assert not is_wildcard("example.org")
    assert base_name("*.example.org") == "example.org"
    assert base_name("example.org") == "example.org"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("example.org", "example.org"),
        ("xn--bcher-kva.test", "bücher.test (xn--bcher-kva.test)"),
        ("*.xn--bcher-kva.test", "*.bücher.test (*.xn--bcher-kva.test)"),
        ("xn--80ak6aa92e.test", "аррӏе.test (xn--80ak6aa92e.test)"),
        ("xn--ls8h.test", "xn--ls8h.test"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_the_unicode_form_never_stands_alone(name: str, shown: str) -> None:
    assert display_name(name) == shown


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Example.org", "example.org"),
        ("*.Example.org", "*.example.org"),
        (".Example.org.", ".example.org"),
        (".bücher.test", ".xn--bcher-kva.test"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_patterns_have_one_form_too(written: str, canonical: str) -> None:
    assert normalise_pattern(written) == canonical


@pytest.mark.parametrize(
    "bad", ["", ".", "..test", ".*.test", ".192.0.2.7", "*", "a b", "*.*.test"]
)
def test_what_is_no_pattern_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normalise_pattern(bad)
    assert caught.value.field == "pattern"
    assert caught.value.hint


def test_zones_may_begin_with_an_underscore() -> None:
    assert normalise_zone(" _acme-challenge.Example.org. ") == "_acme-challenge.example.org"
    assert normalise_zone("bücher.test") == "xn--bcher-kva.test"
    for bad in ("", "*.example.org", "a_b.test", "__a.test", "_.test", "a b"):
        with pytest.raises(InvalidInput) as caught:
            normalise_zone(bad)
        assert caught.value.field == "zones"


@pytest.mark.parametrize(
    ("pattern", "covered", "other"),
    [
        (
            "example.org",
            ["example.org"],
            ["a.example.org", "*.example.org", "notexample.org", "org"],
        ),
        (
            "*.example.org",
            ["a.example.org", "b.a.example.org", "*.example.org", "*.a.example.org"],
            ["example.org", "notexample.org", "org"],
        ),
        (
            ".example.org",
            ["example.org", "a.example.org", "*.example.org"],
            ["notexample.org", "org", "example.org.test"],
        ),
        ("192.0.2.7", ["192.0.2.7"], ["192.0.2.70"]),
    ],
)
def test_what_a_pattern_covers(pattern: str, covered: list[str], other: list[str]) -> None:
    assert [name for name in covered + other if matches(pattern, name)] == covered


def mapped(pattern: str, challenge_type: str = "dns-01") -> Mapping:
    return Mapping(
        id=f"{pattern} {challenge_type}",
        pattern=pattern,
        challenge_type=challenge_type,
        dns_account_id=None,
        dns_account=None,
        server_id=None,
        server=None,
        alias=None,
        webroot=None,
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("example.org", "example.org"),
        ("www.example.org", "*.example.org"),
        ("a.shop.example.org", ".shop.example.org"),
        ("shop.example.org", "shop.example.org"),
        ("*.shop.example.org", ".shop.example.org"),
        ("*.example.org", "*.example.org"),
        ("other.org", ".org"),
        ("example.test", None),
    ],
)
def test_the_longest_pattern_wins(name: str, pattern: str | None) -> None:
    mappings = [
        mapped(text)
        for text in (
            ".org",
            ".example.org",
            "*.example.org",
            "example.org",
            ".shop.example.org",
            "shop.example.org",
        )
    ]

    for order in (mappings, mappings[::-1]):
        found = best(order, name)
        assert (found.pattern if found else None) == pattern


def test_a_mapping_that_cannot_prove_the_name_does_not_count() -> None:
    web = mapped(".shop.example.org", "http-01")
    dns = mapped(".example.org")

    assert best([web, dns], "a.shop.example.org") is web
    assert best([web, dns], "*.shop.example.org") is dns
    assert best([web], "*.shop.example.org") is None
    assert best([mapped("192.0.2.7")], "192.0.2.7") is None
    assert best([mapped("192.0.2.7", "http-01")], "192.0.2.7") is not None


@given(st.lists(HOST, max_size=5), HOST)
def test_what_wins_does_match(bases: list[str], name: str) -> None:
    mappings = [mapped(prefix + base) for base in bases for prefix in ("", "*.", ".")]

    found = best(mappings, name)

    matching = [mapping for mapping in mappings if matches(mapping.pattern, name)]
    assert (found is None) == (not matching)
    if found is not None:
        assert found in matching
        assert found.pattern.count(".") + 1 >= max(m.pattern.count(".") for m in matching)
