"""A real CA that is ill: nine nonces of ten refused, or everything forgotten in mid-order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.scripted import Scripted, set_up
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

CERTIFICATES = int(os.environ.get("KMTUI_NONCE_CERTIFICATES", "10"))
"""How many to ask for; a hundred take a minute, which not every run has."""


@pytest.fixture(scope="module")
def lab(bind_factory: Callable[..., Bind]) -> Bind:
    return bind_factory()


@pytest.fixture(scope="module")
def held(bind_factory: Callable[..., Bind]) -> Bind:
    """A zone whose second name server learns of changes only when the test lets it."""
    return bind_factory(secondaries=1, hold_transfers=True)


def test_every_certificate_is_issued_though_nine_nonces_of_ten_are_refused(
    tmp_path: Path, lab: Bind
) -> None:
    run = Scripted(tmp_path)
    names = tmp_path / "names"
    names.write_text("".join(f"n{number}.kmtui.test\n" for number in range(CERTIFICATES)))
    with Pebble(dns_server=lab.server, http_port=free_port(), nonce_reject=90) as ca:
        set_up(run, ca, lab)

        answer = run("request", "new", "--from", str(names), "--account", "main")

    assert answer["summary"]["available"] == CERTIFICATES, answer["summary"]
    assert lab.added("kmtui.test") == set()


def test_a_ca_that_forgot_everything_in_mid_order_is_told_and_used_again(
    tmp_path: Path, lab: Bind, held: Bind
) -> None:
    # given: an order under way, cut off
    run = Scripted(tmp_path)
    with Pebble(dns_server=held.server, http_port=free_port()) as ca:
        set_up(run, ca, held, propagation_timeout=60)
        command = [sys.executable, "-m", "kmtui", "request", "new", "-d", "a.kmtui.test"]
        process = subprocess.Popen(
            [*command, "--account", "main"], env=run.environment, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while not held.added("kmtui.test"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM

        # when: the CA comes back without its memory
        ca.stop()
        ca.start()
        (failed,) = run("resume", code=1)["requests"]

        # then: what happened and what to do next
        assert failed["status"] == "failed"
        assert failed["error"]["type"].endswith("accountDoesNotExist")
        assert "register it again under the same name" in failed["error"]["hint"]

        # when: that is done
        thumbprint = run("account", "show", "main")["account"]["key_thumbprint"]
        run("account", "register", "main", "--ca", "pebble", "--agree-tos")
        again = run("account", "show", "main")["account"]
        assert (again["key_thumbprint"], again["status"]) == (thumbprint, "valid")
        with held.letting_go():
            done = run("request", "retry", "1")["request"]
        assert (done["status"], done["version"]) == ("available", 1)
    assert held.added("kmtui.test") == set()
