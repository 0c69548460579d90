"""http-01 on another machine: files by SFTP through a real sshd, a web server, a real CA."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.scripted import Scripted, register
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.sshd import Sshd
from tests.servers.web import Web


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind, web: Web) -> Pebble:
    """A CA that looks for challenge files where the web server is."""
    return pebble_factory(dns_server=bind.server, http_port=web.port)


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, ca: Pebble, sshd: Sshd, web: Web
) -> Iterator[Scripted]:
    """An inventory with an account, and the web server's machine as ``web1``."""
    run = Scripted(tmp_path_factory.mktemp("home"))
    identity = run.home / "id_ed25519"
    identity.write_text(sshd.identity)
    register(run, ca)
    run(
        *("server", "add", "web1", "--kind", "ssh", "--host", "127.0.0.1"),
        *("--port", str(sshd.port), "--user", sshd.user, "--identity", str(identity)),
        *("--host-key", sshd.fingerprint(), "--webroot", str(web.root), "--probe", web.address),
    )
    run("mapping", "add", ".kmtui.test", "--server", "web1")
    yield run
    log = (run.home / "log").read_text()
    assert "asyncssh" in log
    assert sshd.identity.splitlines()[1] not in run.output + log


def left_in(root: Path) -> list[str]:
    return sorted(os.listdir(root))


def test_a_certificate_for_several_names_over_one_connection(
    run: Scripted, ca: Pebble, sshd: Sshd, web: Web
) -> None:
    names = [f"{name}.kmtui.test" for name in ("www", "api", "shop")]
    before = sshd.logins

    request = run(
        *("request", "new", "--account", "main"), *(part for n in names for part in ("-d", n))
    )["request"]

    assert request["status"] == "available"
    assert {(c["identifier"], c["type"], c["status"]) for c in request["challenges"]} == {
        (name, "http-01", "valid") for name in names
    }
    assert sshd.logins == before + 1
    assert left_in(web.root) == []
    assert run("cert", "save", request["certificate"])["certificate"]["current_version"] == 1


def test_the_directories_of_the_web_root_s_owner_stay(run: Scripted, web: Web) -> None:
    theirs = web.root / ".well-known" / "security.txt"
    theirs.parent.mkdir()
    theirs.write_text("Contact: mailto:security@example.org")

    request = run("request", "new", "--account", "main", "-d", "theirs.kmtui.test")["request"]

    assert request["status"] == "available"
    assert left_in(web.root / ".well-known") == ["security.txt"]
    theirs.unlink()
    theirs.parent.rmdir()


def test_a_machine_that_changed_its_key_gets_nothing_and_the_request_says_why(
    run: Scripted, sshd: Sshd, web: Web
) -> None:
    before = sshd.fingerprint()
    sshd.stop()
    sshd.renew_host_key()
    sshd.start()
    logins = sshd.logins

    request = run("request", "new", "--account", "main", "-d", "changed.kmtui.test", code=1)[
        "request"
    ]

    assert request["status"] == "failed"
    assert f"pinned is {before}" in str(request["error"])
    assert sshd.fingerprint() in str(request["error"])
    assert sshd.logins == logins
    assert left_in(web.root) == []

    # when: the operator has compared the new key
    run("server", "update", "web1", "--host-key", sshd.fingerprint())
    request = run("request", "new", "--account", "main", "-d", "changed.kmtui.test")["request"]
    assert request["status"] == "available"


def test_a_run_that_was_killed_is_gone_on_with_and_cleaned_up(run: Scripted, web: Web) -> None:
    # given: killed while its file is there, which the CA cannot see yet
    web.stop()
    child = run.start("request", "new", "--account", "main", "-d", "killed.kmtui.test")
    place = web.root / ".well-known" / "acme-challenge"
    deadline = time.monotonic() + 60
    while not (place.is_dir() and left_in(place)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert len(left_in(place)) == 1

    # when
    web.start()
    run("resume")

    # then
    requests = run("request", "list")["requests"]
    assert [r["status"] for r in requests if r["names"] == ["killed.kmtui.test"]] == ["available"]
    assert left_in(web.root) == []
