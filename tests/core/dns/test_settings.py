"""Settings of DNS accounts are checked before anything is stored."""

from __future__ import annotations

import json

import dns.name
import pytest

from kmtui.core.dns import registry
from kmtui.core.dns.provider import TxtHandle, Zone
from kmtui.core.dns.rfc2136 import Rfc2136
from kmtui.core.dns.settings import common, complete
from kmtui.core.errors import InvalidInput, NotFound

SERVER = {"server": "192.0.2.1"}


def test_defaults_are_filled_in() -> None:
    found = complete(Rfc2136, SERVER, {})

    assert found["transport"] == "tcp"
    assert found["tsig_algorithm"] == "hmac-sha256"
    assert found["ttl"] == "60"
    assert found["propagation"] == "all"
    assert "tsig_secret" not in found


@pytest.mark.parametrize(
    ("settings", "secrets", "field"),
    [
        ({}, {}, "server"),
        ({**SERVER, "colour": "red"}, {}, "colour"),
        ({**SERVER, "tsig_secret": "x"}, {}, "tsig_secret"),
        (SERVER, {"password": "x"}, "password"),
        (SERVER, {"server": "x"}, "server"),
        ({**SERVER, "transport": "pigeon"}, {}, "transport"),
        ({**SERVER, "propagation": "maybe"}, {}, "propagation"),
        ({**SERVER, "ttl": "soon"}, {}, "ttl"),
        ({**SERVER, "propagation_timeout": "-1"}, {}, "propagation_timeout"),
        ({**SERVER, "resolvers": "192.0.2.1:x"}, {}, "resolvers"),
        ({**SERVER, "zones": "example.org, a..b"}, {}, "zones"),
        ({**SERVER, "base_url": "http://dns.example.org"}, {}, "base_url"),
        ({**SERVER, "base_url": "https://user:pw@dns.example.org"}, {}, "base_url"),
        ({"server": "192.0.2.1:x"}, {}, "server"),
        ({**SERVER, "zone": "a..b"}, {}, "zone"),
        ({**SERVER, "tsig_name": "k"}, {"tsig_secret": "not*base64"}, "tsig_secret"),
    ],
)
def test_what_cannot_work_names_its_field(
    settings: dict[str, str], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        registry.open_provider("rfc2136", settings, secrets)

    assert caught.value.field == field


def test_plain_http_is_for_loopback() -> None:
    for url in ("http://127.0.0.1:8080", "http://[::1]:8080/", "https://dns.example.org/v1"):
        assert complete(Rfc2136, {**SERVER, "base_url": url}, {})["base_url"] == url


def test_common_settings_are_read() -> None:
    found = common(
        Rfc2136, {"zones": "Example.org., bücher.example", "resolvers": "127.0.0.1:5300"}
    )

    assert [zone.to_text() for zone in found.zones] == ["example.org.", "xn--bcher-kva.example."]
    assert (found.ttl, found.propagation_timeout, found.propagation_delay) == (60, 300.0, 60.0)
    assert [str(resolver) for resolver in found.resolvers] == ["127.0.0.1:5300"]


def test_an_unknown_provider_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        registry.provider_class("carrier-pigeon")

    assert "rfc2136" in caught.value.hint


@pytest.mark.parametrize("name", registry.provider_names())
def test_every_provider_describes_itself_as_plain_data(name: str) -> None:
    described = json.loads(json.dumps(registry.describe(name)))

    assert described["name"] == name == registry.provider_class(name).name
    assert described["title"]
    assert described["least_right"]
    assert described["docs"].startswith("https://")
    names = [field["name"] for field in described["fields"]]
    assert len(names) == len(set(names))
    assert {"ttl", "propagation", "resolvers", "zones", "base_url"} <= set(names)
    for field in described["fields"]:
        assert {"name", "label", "required", "secret", "default", "help"} <= field.keys()


def test_a_handle_survives_the_journal() -> None:
    zone = Zone(id="Z1", name=dns.name.from_text("example.org"))
    handle = TxtHandle.of(zone, "_acme-challenge.WWW.example.org.", "V1", "r-1")

    again = TxtHandle(**json.loads(json.dumps({n: getattr(handle, n) for n in handle.__slots__})))

    assert again == handle
    assert again.fqdn == "_acme-challenge.www.example.org"
