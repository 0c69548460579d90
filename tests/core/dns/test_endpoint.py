"""Endpoints read and write the forms operators use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.dns.endpoint import Endpoint, resolve_all


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5300", "192.0.2.1", 5300),
        ("ns1.example.org:5300", "ns1.example.org", 5300),
        ("[2001:db8::1]:5300", "2001:db8::1", 5300),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("2001:db8::1", "2001:db8::1", 53),
    ],
)
def test_an_endpoint_is_host_and_port(text: str, host: str, port: int) -> None:
    assert Endpoint.parse(text) == Endpoint(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "[::1",
        "[x]:53",
        "[::1]53",
        "-x",
        "a/b",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        Endpoint.parse(text)


def test_a_list_is_separated_by_commas_or_blanks() -> None:
    assert Endpoint.parse_list(" 192.0.2.1, [::1]:5300  ns.example.org") == (
        Endpoint("192.0.2.1"),
        Endpoint("::1", 5300),
        Endpoint("ns.example.org"),
    )


@given(st.text(max_size=40))
def test_what_is_read_is_written_back(text: str) -> None:
    try:
        endpoint = Endpoint.parse(text)
    except ValueError:
        return
    assert Endpoint.parse(str(endpoint)) == endpoint


async def test_host_names_become_addresses_once() -> None:
    found = await resolve_all([Endpoint("127.0.0.1", 5300), Endpoint("localhost", 5300)])

    assert found[0] == Endpoint("127.0.0.1", 5300)
    assert len(set(found)) == len(found)
    assert all(endpoint.numeric for endpoint in found)
