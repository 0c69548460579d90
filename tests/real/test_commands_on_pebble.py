"""The main job by commands alone, on a real CA and a real name server, as scripts run it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core import keys
from kmtui.core.core import Core
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

NAMES = ("www.kmtui.test", "kmtui.test", "*.kmtui.test")


class Scripted:
    """Runs ``kmtui --json`` as a process without a terminal, on one inventory."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KMTUI_DATA": str(home / "data"),
            "KMTUI_KEY_FILE": str(home / "vault.key"),
            **environment,
        }
        self.output = ""
        """Everything every command printed, and how `ps` shows it."""

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        log = ["--log-file", str(self.home / "log"), "--debug"]
        process = subprocess.Popen(
            [sys.executable, "-m", "kmtui", "--json", *log, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.output += subprocess.run(
            ["ps", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True
        ).stdout
        out, err = process.communicate(timeout=110)
        self.output += out + err
        assert process.returncode == code, out + err
        document = json.loads(out)
        assert document["schema"] == 1
        return document


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
        blocklist=("no.refused.test",),
    ) as pebble:
        yield pebble


def set_up(run: Scripted, ca: Pebble, lab: Bind, *, secret: str | None = None) -> None:
    bundle, tsig = run.home / "ca.pem", run.home / "tsig"
    bundle.write_text(ca.ca_bundle_pem)
    tsig.write_text(secret or lab.tsig.secret)
    run("vault", "init")
    run("ca", "add", "pebble", "--directory", ca.directory_url, "--ca-bundle", str(bundle))
    run("account", "register", "main", "--ca", "pebble", "--email", "a@kmtui.test", "--agree-tos")
    resolvers = ",".join(f"{address}:{lab.port}" for address in lab.addresses)
    run(
        *("dns", "add", "lab", "--provider", "rfc2136", "--secret", f"tsig_secret=@{tsig}"),
        *("--set", f"server={lab.server}", "--set", f"tsig_name={lab.tsig.name}"),
        *("--set", f"tsig_algorithm={lab.tsig.algorithm}", "--set", f"resolvers={resolvers}"),
        *("--set", "propagation_timeout=20", "--zone", "kmtui.test"),
    )
    listen = f"127.0.0.1:{ca.http_port}"
    run("server", "add", "web", "--kind", "standalone", "--listen", listen, "--probe", listen)
    run("mapping", "add", ".kmtui.test", "--dns", "lab")
    run("mapping", "add", "www.kmtui.test", "--server", "web")


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
    nothing_secret_is_to_be_found(run, lab, label)


def verify_with_openssl(chain: str, root: str, directory: Path) -> None:
    (directory / "root.pem").write_text(root)
    (directory / "chain.pem").write_text(chain)
    paths = [str(directory / name) for name in ("root.pem", "chain.pem", "chain.pem")]
    subprocess.run(
        ["openssl", "verify", "-CAfile", paths[0], "-untrusted", paths[1], paths[2]],
        check=True,
        capture_output=True,
    )


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


def test_a_refused_name_carries_the_words_of_the_ca(tmp_path: Path, ca: Pebble, lab: Bind) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab)

    answer = run(
        *("request", "new", "-d", "no.refused.test", "-d", "a.kmtui.test"),
        *("--account", "main", "--dns", "lab"),
        code=1,
    )

    error = answer["request"]["error"]
    assert error["type"].endswith("rejectedIdentifier")
    assert error["hint"]
    assert "no.refused.test" in [sub["identifier"] for sub in error["subproblems"]]


def test_a_wrong_tsig_secret_is_named_and_leaves_nothing(
    tmp_path: Path, ca: Pebble, lab: Bind
) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab, secret="d3Jvbmcgc2VjcmV0IGZvciBhIHRlc3Qgb25seSEhISE=")

    answer = run("request", "new", "-d", "a.kmtui.test", "--account", "main", code=1)

    error = answer["request"]["error"]
    assert answer["request"]["status"] == "failed"
    assert "secret" in (error["detail"] + error["hint"] + answer["error"]["message"]).lower()
    assert lab.added("kmtui.test") == set()


def test_a_ca_that_is_away_fails_clearly(tmp_path: Path, ca: Pebble, lab: Bind) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab)
    number = run("request", "new", "-d", "a.kmtui.test", "--account", "main", "--no-wait")[
        "request"
    ]["number"]
    ca.stop()

    failed = run("request", "retry", str(number), code=1)["request"]
    assert failed["status"] == "failed"
    assert failed["error"]["hint"]


def test_an_http_answer_that_is_not_served_fails_with_what_the_ca_saw(
    tmp_path: Path, ca: Pebble, lab: Bind
) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab)
    webroot = tmp_path / "www"
    webroot.mkdir()
    run("server", "add", "unserved", "--kind", "local", "--webroot", str(webroot))

    answer = run(
        *("request", "new", "-d", "b.kmtui.test", "--account", "main", "--server", "unserved"),
        code=1,
    )

    request = answer["request"]
    assert request["status"] == "failed"
    assert request["error"]["type"].endswith("connection")
    assert list(webroot.rglob("*")) == []
    corrected = run("request", "new", "-d", "b.kmtui.test", "--account", "main", "--server", "web")
    assert corrected["request"]["status"] == "available"
