"""Every DNS provider from its set-up to a certificate, by commands, a real CA and name server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.dns.forms import require_absent
from tests.real.scripted import Scripted, verify_with_openssl
from tests.real.vendors import (
    PROVIDERS,
    Shown,
    add_account,
    left_behind,
    put_foreign,
    require_untouched,
    vendor,
)
from tests.servers.bind import Bind, Zone
from tests.servers.pebble import Pebble

ACCESS_TOKEN = "eyJcanary."
"""How the tokens begin that the fake Microsoft Entra ID gives for a client secret."""
ALIASES = """
_acme-challenge.www CNAME one.acme.two.godaddy.test.
_acme-challenge.api CNAME other.acme.two.godaddy.test.
"""


@pytest.fixture(scope="module")
def lab(bind_factory: Callable[..., Bind]) -> Bind:
    """Two zones for each provider, and one whose challenge names lead elsewhere."""
    pairs = [f"{which}.{provider}.test" for provider in PROVIDERS for which in ("one", "two")]
    return bind_factory(zones=[*pairs, Zone("aliases.test", ALIASES)], resolves=True)


@pytest.fixture(scope="module")
def ca(lab: Bind, pebble_factory: Callable[..., Pebble]) -> Pebble:
    return pebble_factory(dns_server=lab.server)


def require_secret(run: Scripted, at: Shown) -> None:
    """No secret is in what was printed, in `ps`, the log, the inventory, or what was asked for."""
    files = [path for path in (run.home / "data").rglob("*") if path.is_file()]
    log = run.home / "log"
    assert log.stat().st_size > 0
    stored = [path.read_bytes().decode("latin-1") for path in (*files, log)]
    assert all(len(secret) > 15 for secret in at.secrets.values())
    given = {**at.secrets, "access token": ACCESS_TOKEN}
    require_absent(given, [run.output, at.received, *stored])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_certificate_is_proved_in_two_zones_and_nothing_of_others_is_touched(
    provider: str, run: Scripted, ca: Pebble, lab: Bind, stack: ExitStack, tmp_path: Path
) -> None:
    # given: an account that holds two zones, with values of others at the names to be used
    first, second = f"one.{provider}.test", f"two.{provider}.test"
    at = vendor(provider, lab, stack, first, second)
    places = (f"_acme-challenge.{first}", f"_acme-challenge.www.{second}")
    put_foreign(at, lab, *places)
    zones = {zone: lab.records(zone) for zone in (first, second)}

    # when
    add_account(run, lab, at, "lab")
    tested = run("dns", "test", "lab", "--name", first)["test"]
    run("mapping", "add", f".{provider}.test", "--dns", "lab")
    names = (first, f"*.{first}", f"www.{second}")
    options = [word for name in names for word in ("-d", name)]
    request = run("request", "new", *options, "--account", "main")["request"]

    # then
    assert tested["ok"], tested
    assert request["status"] == "available", request["problem"]
    assert {(c["identifier"], c["status"], c["via"]) for c in request["challenges"]} == {
        (name, "valid", "lab") for name in names
    }
    chain = run("cert", "show", request["certificate"])["version"]["chain_pem"]
    hosts = (first, f"any.{first}", f"www.{second}")
    verify_with_openssl(chain, ca.root_pem(), tmp_path, *hosts)
    require_untouched(at, lab, *places)
    assert {zone: lab.records(zone) for zone in (first, second)} == zones
    assert left_behind(run) == []
    require_secret(run, at)


def test_an_alias_is_answered_by_the_account_that_holds_its_zone(
    run: Scripted, lab: Bind, stack: ExitStack
) -> None:
    # given: challenge names that lead into a zone of another account, at another vendor
    places = {
        "www.aliases.test": "one.acme.two.godaddy.test",
        "api.aliases.test": "other.acme.two.godaddy.test",
    }
    holder = vendor("godaddy", lab, stack, "two.godaddy.test")
    other = vendor("dnsmadeeasy", lab, stack, "aliases.test")
    put_foreign(holder, lab, *places.values())
    add_account(run, lab, holder, "holder")
    add_account(run, lab, other, "other")

    # when: one name is mapped to it, the other one to the account of its own zone
    run("mapping", "add", "www.aliases.test", "--dns", "holder")
    run("mapping", "add", ".aliases.test", "--dns", "other")
    options = [word for name in places for word in ("-d", name)]
    request = run("request", "new", *options, "--account", "main")["request"]

    # then
    assert request["status"] == "available", request["problem"]
    assert {(c["identifier"], c["fqdn"], c["via"]) for c in request["challenges"]} == {
        (name, place, "holder") for name, place in places.items()
    }
    require_untouched(holder, lab, *places.values())
    assert lab.added("aliases.test") == set()
    assert left_behind(run) == []
