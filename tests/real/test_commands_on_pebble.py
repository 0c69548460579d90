"""The main job by commands alone, on a real CA and a real name server, as scripts run it."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core import keys
from kmtui.core.core import Core
from tests.real.screen import on_screen
from tests.real.scripted import Scripted, set_up, verify_with_openssl
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

NAMES = ("www.kmtui.test", "kmtui.test", "*.kmtui.test")


@pytest.fixture(scope="module")
def lab(bind_factory: Callable[..., Bind]) -> Bind:
    """A zone on two name servers."""
    return bind_factory(secondaries=1)


@pytest.fixture
def ca(lab: Bind) -> Iterator[Pebble]:
    """A CA that rejects nearly a third of all nonces and checks http-01 on the listener's port."""
    with Pebble(
        dns_server=lab.server,
        http_port=free_port(),
        nonce_reject=30,
    ) as pebble:
        yield pebble


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_from_nothing_to_a_saved_certificate(
    zone: str, tmp_path: Path, ca: Pebble, lab: Bind
) -> None:
    run = Scripted(tmp_path, TZ=zone)
    set_up(run, ca, lab)

    names = [part for name in NAMES for part in ("-d", name)]
    request = run("request", "new", *names, "--account", "main")["request"]

    assert (request["status"], request["version"]) == ("available", 1)
    assert {(c["identifier"], c["type"], c["status"]) for c in request["challenges"]} == {
        ("www.kmtui.test", "http-01", "valid"),
        ("kmtui.test", "dns-01", "valid"),
        ("*.kmtui.test", "dns-01", "valid"),
    }
    label = request["certificate"]
    assert run("cert", "save", label)["certificate"]["current_version"] == 1
    (version,) = run("cert", "history", label)["versions"]
    assert version["status"] == "current"
    assert set(version["names"]) == set(NAMES)

    chain = run("cert", "show", label)["version"]["chain_pem"]
    verify_with_openssl(chain, ca.root_pem(), tmp_path)
    assert lab.added("kmtui.test") == set()
    stop_at_a_defect_with_secrets_at_hand(run)
    nothing_secret_is_to_be_found(run, lab, label)


def stop_at_a_defect_with_secrets_at_hand(run: Scripted) -> None:
    """A row no program wrote ends command and screen in a frame that holds the TSIG secret."""
    with closing(sqlite3.connect(run.home / "data" / "kmtui.db")) as database, database:
        database.execute("UPDATE dns_account SET settings = ?", (json.dumps({"server": 53}),))
    run("vault", "seal", "--yes")
    message = run("dns", "test", "lab", code=1)["error"]["message"]
    assert message.startswith("unexpected error")
    assert message.split()[2].rstrip(":") in (run.home / "log").read_text()

    terminal = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with on_screen({**run.environment, **terminal}) as screen:
        screen.wait_for("www.kmtui.test")
        screen.press("4", "RFC 2136")
        assert screen.leave("t") == 1
    assert "kmtui stopped: " in screen.sent
    run.output += screen.sent


def nothing_secret_is_to_be_found(run: Scripted, lab: Bind, label: str) -> None:
    """Neither in what was printed, nor in `ps`, the log, or any file of the inventory."""
    files = [path for path in (run.home / "data").rglob("*") if path.is_file()]
    log = run.home / "log"
    assert log.stat().st_size > 0
    everything = run.output.encode() + b"".join(path.read_bytes() for path in [*files, log])
    key = keys.load_private_key(asyncio.run(private_key(run, label)))
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    body = keys.to_pem(key).splitlines()[1]
    secret = lab.tsig.secret
    for bytes_ in (scalar, body, b"PRIVATE KEY", secret.encode(), base64.b64decode(secret)):
        assert bytes_ not in everything


async def private_key(run: Scripted, label: str) -> bytes:
    core = await Core.open(run.home / "data", actor="tester@here")
    try:
        await core.access.unlock_with_key_file(run.home / "vault.key")
        return await core.certificates.private_key_pem(await core.certificates.version(label, 1))
    finally:
        await core.close()
