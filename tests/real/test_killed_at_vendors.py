"""Killed between a vendor's change and its record here: the next start removes what was made."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

import pytest

from tests.dns.fake import Value
from tests.real.scripted import Scripted
from tests.real.vendors import (
    Fake,
    add_account,
    fake_vendor,
    left_behind,
    publish,
    put_foreign,
    require_untouched,
)
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble

RECORDS, WHOLE_SETS = "dnsmadeeasy", "azure"
ZONE = "kmtui.test"
NAME = f"_acme-challenge.{ZONE}"


@pytest.fixture(scope="module")
def lab(bind_factory: Callable[..., Bind]) -> Bind:
    return bind_factory()


@pytest.fixture(scope="module")
def ca(lab: Bind, pebble_factory: Callable[..., Pebble]) -> Pebble:
    return pebble_factory(dns_server=lab.server)


@pytest.fixture(params=[RECORDS, WHOLE_SETS])
def at(request: pytest.FixtureRequest, run: Scripted, lab: Bind, stack: ExitStack) -> Fake:
    """A vendor with an account of ours, and with values of others at the name to be used."""
    found = fake_vendor(request.param, lab, stack, ZONE)
    put_foreign(found, lab, NAME)
    stack.callback(lab.set_txt, NAME, [], 60)
    add_account(run, lab, found, "lab")
    run("mapping", "add", f".{ZONE}", "--dns", "lab")
    return found


def die_at_the_first_change(run: Scripted, at: Fake, lab: Bind) -> None:
    """A request that is killed when the vendor has made a change, before it says so."""
    started: list[subprocess.Popen[str]] = []

    def kill(fqdn: str, values: Sequence[Value]) -> None:
        publish(lab, fqdn, values)
        at.on_change = partial(publish, lab)
        os.kill(started[0].pid, signal.SIGKILL)

    at.on_change = kill
    names = ("-d", ZONE, "-d", f"*.{ZONE}")
    started.append(run.start("request", "new", *names, "--account", "main"))
    started[0].communicate(timeout=60)
    assert started[0].returncode == -signal.SIGKILL
    assert len(at.txt(NAME)) == {RECORDS: 3, WHOLE_SETS: 4}[at.provider]
    assert NAME in left_behind(run)


def test_the_next_start_goes_on_and_leaves_nothing(at: Fake, run: Scripted, lab: Bind) -> None:
    die_at_the_first_change(run, at, lab)

    run("resume")

    request = run("request", "show", "1")["request"]
    assert request["status"] == "available", request["problem"]
    require_untouched(at, lab, NAME)
    assert left_behind(run) == []


def test_a_request_that_is_given_up_after_it_leaves_nothing(
    at: Fake, run: Scripted, lab: Bind
) -> None:
    die_at_the_first_change(run, at, lab)

    run("request", "cancel", "1")

    require_untouched(at, lab, NAME)
    assert left_behind(run) == []
