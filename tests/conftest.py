"""Fixtures of the whole suite: the real servers, and what the summary says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from kmtui.core.acme import session
from kmtui.core.acme.polling import Pace
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import SKIP_REASON
from tests.servers.sshd import Sshd
from tests.servers.web import Web

# Assertions of the DNS providers' contract say what they saw, as those of test modules do.
pytest.register_assert_rewrite(
    *(f"tests.dns.{name}" for name in ("contract", "forms", "limits", "orders", "values", "zones"))
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "edge(number): an edge case of docs/development.md")
    config.addinivalue_line("markers", "case(number): an edge case of tests/dns/cases.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(SKIP_REASON in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(f"{SKIP_REASON}: {count} tests did not run", yellow=True)


@pytest.fixture(autouse=True)
def asked_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CA of a test has its answer at once: it is not given the second that others are given."""
    monkeypatch.setattr(session, "Pace", partial(Pace, shortest=0.05))


@pytest.fixture(scope="module")
def servers() -> Iterator[ExitStack]:
    """Holds the servers of one test module, and ends them with it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def pebble_factory(servers: ExitStack) -> Callable[..., Pebble]:
    """Starts a Pebble with the arguments of `Pebble`; it ends with the test module."""
    return lambda **options: servers.enter_context(Pebble(**options))


@pytest.fixture(scope="module")
def bind_factory(servers: ExitStack) -> Callable[..., Bind]:
    """Starts a BIND with the arguments of `Bind`; it ends with the test module."""
    return lambda **options: servers.enter_context(Bind(**options))


@pytest.fixture(scope="module")
def bind(bind_factory: Callable[..., Bind]) -> Bind:
    """A name server for the zone kmtui.test, shared by one test module."""
    return bind_factory()


@pytest.fixture(scope="module")
def pebble(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    """A CA that resolves names through `bind`, shared by one test module."""
    return pebble_factory(dns_server=bind.server)


@pytest.fixture(scope="module")
def sshd_factory(servers: ExitStack) -> Callable[..., Sshd]:
    """Starts an sshd with the arguments of `Sshd`; it ends with the test module."""
    return lambda **options: servers.enter_context(Sshd(**options))


@pytest.fixture(scope="module")
def sshd(sshd_factory: Callable[..., Sshd]) -> Sshd:
    """An SSH server that the user of the tests logs in to, shared by one test module."""
    return sshd_factory()


@pytest.fixture(scope="module")
def web(servers: ExitStack) -> Web:
    """A web server with a web root of its own, shared by one test module."""
    return servers.enter_context(Web())
