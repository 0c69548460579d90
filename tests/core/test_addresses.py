"""HOST:PORT as typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.addresses import Address, parse_address
from kmtui.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("example.org:8080", "example.org", 8080),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[::1]", "::1", 53),
        (":80", "", 80),
        ("*:80", "", 80),
        ("ns1.example.org", "ns1.example.org", 53),
    ],
)
def test_reads_what_operators_write(text: str, host: str, port: int) -> None:
    assert parse_address(text, field="listen", default_port=53) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["example.org", "h:0", "h:65536", "h:x", "h:８０", "a b:1", "-x:1", "[::1]x", "h:", "x..y:1"],
)
def test_refuses_the_rest_and_names_the_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_address(text, field="listen")

    assert refused.value.field == "listen"


@given(st.text(max_size=40))
def test_any_text_gives_an_address_or_an_explanation(text: str) -> None:
    try:
        address = parse_address(text, field="listen", default_port=1)
    except InvalidInput:
        return
    assert parse_address(str(address), field="listen") == address
