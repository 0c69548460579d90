"""Told to end while requests run: out in time, nothing left behind, and the next start finishes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.real.screen import on_screen
from tests.real.scripted import Scripted, set_up
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

pytestmark = pytest.mark.timeout(300)

IN_TIME = 20.0
"""Seconds in which a process that is told to end is gone."""
PATIENCE = 60.0


@pytest.fixture(scope="module")
def held(bind_factory: Callable[..., Bind]) -> Bind:
    """A zone whose second name server learns of changes only when the test lets it."""
    return bind_factory(secondaries=1, hold_transfers=True)


@pytest.fixture(scope="module")
def ca(held: Bind) -> Iterator[Pebble]:
    with Pebble(dns_server=held.server, http_port=free_port()) as pebble:
        yield pebble


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, ca: Pebble, held: Bind) -> Scripted:
    """An inventory whose requests wait for a name server."""
    run = Scripted(tmp_path_factory.mktemp("inventory"))
    set_up(run, ca, held, propagation_timeout=120)
    return run


def requests(run: Scripted) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("request", "list")["requests"]
    return found


def wait_until_all(run: Scripted, *statuses: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(request["status"] not in statuses for request in requests(run)):
        assert time.monotonic() < deadline, requests(run)
        time.sleep(0.3)


def on_a_line(run: Scripted, *arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    """The program on a terminal line of its own, and the test's end of it."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kmtui", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**run.environment, "TERM": "xterm-256color"},
        start_new_session=True,
        # Its controlling terminal, as a login has: the kernel then tells it when the line is lost.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    return process, master


def gone_in_time(process: subprocess.Popen[bytes]) -> int:
    """The exit code."""
    try:
        return process.wait(IN_TIME)
    finally:
        process.kill()


def test_a_closed_terminal_ends_the_screen_and_the_next_one_finishes_all_five(
    run: Scripted, held: Bind
) -> None:
    # given: a screen that took up five requests, each with a record published
    names = run.home / "names"
    names.write_text("".join(f"n{number}.kmtui.test\n" for number in range(5)))
    run("request", "new", "--from", str(names), "--account", "main", "--no-wait")
    process, master = on_a_line(run)
    drain(master, lambda: len(held.added("kmtui.test")) == 5)
    wait_until_all(run, "propagating")

    # when: the terminal is closed
    os.close(master)

    # then: the process is gone in time, and so is everything it published
    assert gone_in_time(process) == 128 + signal.SIGHUP
    assert held.added("kmtui.test") == set()
    keys = {request["id"]: request["order_url"] for request in requests(run)}

    # when: started again, with nothing in the way any more
    with (
        held.letting_go(),
        on_screen({**run.environment, "TERM": "xterm-256color"}) as screen,
    ):
        screen.wait_for("Certificates")
        wait_until_all(run, "available")
        assert screen.leave("q") == 0

    assert {request["id"]: request["order_url"] for request in requests(run)} == keys
    assert held.added("kmtui.test") == set()
    assert run("cleanup", "--dry-run")["leftovers"] == []


def drain(master: int, until: Callable[[], bool]) -> None:
    """Read what the program draws, so that it is not held up."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline
        while select.select([master], [], [], 0.05)[0]:
            os.read(master, 65536)


@pytest.mark.parametrize(
    "number",
    [signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT],
    ids=lambda number: number.name,
)
def test_a_command_that_is_told_to_end_leaves_its_request_to_resume(
    number: signal.Signals, run: Scripted, held: Bind
) -> None:
    # given: a command on a terminal, its record published
    name = f"{number.name.lower()}.kmtui.test"
    process, master = on_a_line(run, "request", "new", "-d", name, "--account", "main")
    drain(master, lambda: len(held.added("kmtui.test")) == 1)

    # when
    if number == signal.SIGHUP:
        os.close(master)  # what the kernel does when an SSH session dies
    else:
        process.send_signal(number)

    # then
    assert gone_in_time(process) == 128 + number
    if number != signal.SIGHUP:
        os.close(master)
    assert held.added("kmtui.test") == set()
    (cut,) = [request for request in requests(run) if request["names"] == [name]]
    assert cut["status"] in ("presenting", "propagating")
    with held.letting_go():
        (done,) = run("resume")["requests"]
    assert (done["status"], done["order_url"]) == ("available", cut["order_url"])
    assert run("resume")["requests"] == []
