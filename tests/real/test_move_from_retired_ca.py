"""Thirty certificates that another client got of a CA which has ended since: taken over as history,
moved to a CA that answers, all but the one that it refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kmtui.core import keys
from tests.core.imports.made import certbot_account, certbot_lineage, made
from tests.real.scripted import Scripted, register
from tests.real.trails import every_act_has_its_result
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble, Profile
from tests.servers.process import free_port

ENDED = "https://api.buypass.com/acme/directory"
COUNT = 30
REFUSED = "no.refused.test"
"""What the new CA does not issue for."""


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    profiles = {"default": Profile("Ninety days", 90 * 86_400)}
    return pebble_factory(
        dns_server=bind.server, http_port=free_port(), profiles=profiles, blocklist=(REFUSED,)
    )


@pytest.fixture
def run(ca: Pebble, tmp_path: Path) -> Scripted:
    """An account at `ca`, and a listener that proves every name."""
    run = Scripted(tmp_path)
    register(run, ca)
    listen = f"127.0.0.1:{ca.http_port}"
    run("server", "add", "web", "--kind", "standalone", "--listen", listen, "--probe", listen)
    for pattern in (".kmtui.test", REFUSED):
        run("mapping", "add", pattern, "--server", "web")
    return run


def test_what_a_closed_ca_issued_is_history_and_goes_on_at_another(
    run: Scripted, ca: Pebble, tmp_path: Path
) -> None:
    # given: what certbot kept
    root = tmp_path / "letsencrypt"
    names = [f"n{number}.kmtui.test" for number in range(COUNT - 1)] + [REFUSED]
    serials = {}
    for name in names:
        leaf = made(name)
        serials[name] = f"{leaf.leaf.serial_number:x}"
        certbot_lineage(root, name, [leaf], server=ENDED)
    certbot_account(root, keys.generate("ec256"), place="api.buypass.com/acme/directory")

    # when: it is taken over
    run("cert", "import", str(root))

    # then: it is the closed CA's, and nobody was asked for anything
    taken = {row["name"]: row for row in run("cert", "list")["certificates"]}
    assert {row["ca"] for row in taken.values()} == {"buypass"}
    assert {row["account"] for row in taken.values()} == {"buypass-certbot"}
    assert run("request", "list")["requests"] == []
    assert ca.orders == 0
    renewed = run("cert", "renew", names[0], "--force", code=1)
    assert "ended its service" in str(renewed)

    # when: all are moved
    answer = run("cert", "move", *names, "--account", "main", "--timeout", "90", code=3)

    # then: one is explained, the others are the new CA's
    (left,) = [each for each in answer["requests"] if each["status"] == "failed"]
    assert left["names"] == [REFUSED]
    assert left["error"]["type"].endswith("rejectedIdentifier")
    assert REFUSED in left["error"]["detail"]
    assert left["error"]["hint"]
    assert (answer["summary"]["available"], answer["summary"]["failed"]) == (COUNT - 1, 1)
    for name in names[:-1]:
        new, old = run("cert", "history", name)["versions"]
        assert ca.certificate_status(int(new["serial"], 16))["Status"] == "Valid"
        assert (old["serial"], old["number"], new["number"]) == (serials[name], 1, 2)
    (old,) = run("cert", "history", REFUSED)["versions"]
    assert old["serial"] == serials[REFUSED]
    assert run("cert", "show", REFUSED)["certificate"]["account"] == "buypass-certbot"
    run("cert", "save", names[0])
    shown = run("cert", "show", names[0])["certificate"]
    assert (shown["ca"], shown["current_version"]) == ("pebble", 2)
    new, old = run("cert", "history", names[0])["versions"]
    assert (new["status"], old["status"], old["issuer"]) == ("current", "replaced", "R11")
    now = {row["name"]: row["id"] for row in run("cert", "list", "--all")["certificates"]}
    assert now == {name: row["id"] for name, row in taken.items()}, "the same certificates"
    every_act_has_its_result(run, "import", "move", "save")
