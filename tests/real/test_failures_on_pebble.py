"""What goes wrong on real servers: said clearly, nothing left behind, mended and tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.real.scripted import Scripted, set_up
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port
from tests.servers.relay import DnsRelay


@pytest.fixture(scope="module")
def lab(bind_factory: Callable[..., Bind]) -> Bind:
    """A zone on two name servers."""
    return bind_factory(secondaries=1)


@pytest.fixture(scope="module")
def held(bind_factory: Callable[..., Bind]) -> Bind:
    """A zone whose second name server learns of changes only when the test lets it."""
    return bind_factory(secondaries=1, hold_transfers=True)


@pytest.fixture
def ca(lab: Bind) -> Iterator[Pebble]:
    with Pebble(
        dns_server=lab.server, http_port=free_port(), blocklist=("no.refused.test",)
    ) as pebble:
        yield pebble


def test_a_refused_name_carries_the_words_of_the_ca(tmp_path: Path, ca: Pebble, lab: Bind) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab)

    answer = run(
        *("request", "new", "-d", "no.refused.test", "-d", "a.kmtui.test"),
        *("--account", "main", "--dns", "lab", "--no-look"),
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


def test_a_record_that_does_not_spread_fails_the_request_until_it_does(
    tmp_path: Path, held: Bind
) -> None:
    with Pebble(dns_server=held.server) as ca:
        run = Scripted(tmp_path)
        set_up(run, ca, held, propagation_timeout=5)

        answer = run("request", "new", "-d", "a.kmtui.test", "--account", "main", code=1)

        failed = answer["request"]
        assert failed["status"] == "failed"
        error = failed["error"]
        assert error["type"] == "kmtui:dns-not-visible"
        assert "_acme-challenge.a.kmtui.test" in error["what"]
        assert "TXT seen by 1 of 2 servers" in error["detail"]
        assert held.addresses[1] in error["detail"]
        assert "propagation_timeout" in error["hint"]
        assert held.added("kmtui.test") == set()

        with transferring(held):
            again = run("request", "retry", str(failed["number"]))["request"]
    assert_mended(again, failed)
    assert held.added("kmtui.test") == set()


@contextmanager
def transferring(bind: Bind) -> Iterator[None]:
    """The secondary follows the primary, as it does where transfers work."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(0.2):
            bind.release(bind.addresses[1])

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_ca_that_is_away_parks_the_request_until_it_is_back(
    tmp_path: Path, ca: Pebble, lab: Bind
) -> None:
    port = free_port()
    way = DnsRelay(("127.0.0.1", port), ("127.0.0.1", ca.port))
    way.start()
    run = Scripted(tmp_path)
    set_up(run, ca, lab, directory_url=f"https://127.0.0.1:{port}/dir")
    way.stop()

    parked = run("request", "new", "-d", "a.kmtui.test", "--account", "main", code=75)["request"]

    assert parked["status"] == "parked"
    assert parked["not_before"]
    error = parked["error"]
    assert error["type"] == "kmtui:ca-unreachable"
    assert error["what"]
    assert error["detail"]
    assert "down" in error["hint"]
    assert lab.added("kmtui.test") == set()

    way.start()
    try:
        again = run("request", "retry", str(parked["number"]))["request"]
    finally:
        way.stop()
    assert (again["number"], again["status"]) == (parked["number"], "available")
    assert again["error"] is None


def test_an_http_answer_that_is_not_served_fails_until_it_is(
    tmp_path: Path, ca: Pebble, lab: Bind
) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab)
    webroot = tmp_path / "www"
    webroot.mkdir()
    run("server", "add", "unserved", "--kind", "local", "--webroot", str(webroot))

    failed = run(
        *("request", "new", "-d", "b.kmtui.test", "--account", "main", "--server", "unserved"),
        code=1,
    )["request"]

    assert failed["status"] == "failed"
    assert failed["error"]["type"].endswith("connection")
    assert "b.kmtui.test" in failed["error"]["detail"]
    assert failed["error"]["hint"]
    assert list(webroot.rglob("*")) == []

    with serving(webroot, ca.http_port):
        again = run("request", "retry", str(failed["number"]))["request"]
    assert_mended(again, failed)
    assert list(webroot.rglob("*")) == []


@contextmanager
def serving(webroot: Path, port: int) -> Iterator[None]:
    """A web server for this directory."""
    handler = partial(_Quiet, directory=str(webroot))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def test_a_wrong_mapping_is_mended_for_the_request_that_failed(
    tmp_path: Path, ca: Pebble, lab: Bind
) -> None:
    run = Scripted(tmp_path)
    set_up(run, ca, lab)
    run("server", "add", "unserved", "--kind", "local", "--webroot", str(tmp_path))
    run("mapping", "add", "c.kmtui.test", "--server", "unserved")
    failed = run("request", "new", "-d", "c.kmtui.test", "--account", "main", code=1)["request"]
    assert failed["error"]["type"].endswith("connection")

    run("mapping", "delete", "c.kmtui.test")
    run("mapping", "add", "c.kmtui.test", "--server", "web")
    again = run("request", "retry", str(failed["number"]))["request"]

    assert_mended(again, failed)


def assert_mended(again: dict[str, Any], failed: dict[str, Any]) -> None:
    """The same request went through, without anything said anew."""
    assert (again["status"], again["version"]) == ("available", 1)
    assert again["names"] == failed["names"]
    assert again["certificate"] == failed["certificate"]
    assert {challenge["status"] for challenge in again["challenges"]} == {"valid"}
