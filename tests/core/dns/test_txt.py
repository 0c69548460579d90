"""TXT data in zone file form."""

from __future__ import annotations

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.dns.txt import joined, quoted


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("abc-_", "abc-_"),
        ('"abc-_"', "abc-_"),
        ('"abc" "-_"', "abc-_"),
        ('"abc""-_"', "abc-_"),
        (' "abc"\n"-_" ', "abc-_"),
        ('"a\\"b\\\\c\\065"', 'a"b\\cA'),
        ('""', ""),
        ("", ""),
        ("v=spf1 -all", "v=spf1 -all"),
    ],
)
def test_quoted_split_and_bare_data_are_one_value(content: str, value: str) -> None:
    assert joined(content) == value


@pytest.mark.parametrize("content", ['"open', '"a" b', 'a "b"', '"a\\"'])
def test_what_is_no_list_of_strings_is_the_value_itself(content: str) -> None:
    assert joined(content) == content


@given(st.text())
def test_a_value_survives_quoting(value: str) -> None:
    assert joined(quoted(value)) == value


@given(st.text())
def test_any_data_can_be_read(content: str) -> None:
    assert isinstance(joined(content), str)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=255))
def test_quoted_values_read_as_dns_does(value: str) -> None:
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, quoted(value))

    assert rdata.strings == (value.encode(),)
