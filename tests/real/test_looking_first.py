"""Before an order kmtui looks at the DNS: what no CA could get past stops there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.real.scripted import Scripted, set_up
from tests.servers.bind import Bind, Zone
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

RECORDS = """
good CAA 0 issue "pebble.letsencrypt.org"
closed CAA 0 issue "ca.example.net"
mine CAA 0 issue "pebble.letsencrypt.org; accounturi=https://elsewhere.test/acct/9"
web CAA 0 issue "pebble.letsencrypt.org; validationmethods=http-01"
_acme-challenge.loop CNAME _acme-challenge.pool
_acme-challenge.pool CNAME _acme-challenge.loop
_acme-challenge.moved CNAME there.alias
"""


@pytest.fixture(scope="module")
def lab(bind_factory: Callable[..., Bind]) -> Bind:
    return bind_factory(zones=[Zone("kmtui.test", RECORDS)])


@pytest.fixture(scope="module")
def ca(lab: Bind) -> Iterator[Pebble]:
    with Pebble(dns_server=lab.server, http_port=free_port()) as pebble:
        yield pebble


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, ca: Pebble, lab: Bind) -> Scripted:
    run = Scripted(tmp_path_factory.mktemp("home"))
    set_up(run, ca, lab)
    return run


def looked(run: Scripted, name: str, *, code: int = 0) -> str:
    answer = run("request", "check", "-d", name, "--account", "main", code=code)
    assert answer["test"]["ok"] == (code == 0)
    return "\n".join(line["text"] for line in answer["test"]["lines"])


def test_what_is_fine_is_said(run: Scripted) -> None:
    said = looked(run, "good.kmtui.test")

    assert "good.kmtui.test: TXT in zone kmtui.test" in said
    assert "CAA at good.kmtui.test allows this CA" in said


def test_an_alias_is_shown_with_where_it_leads(run: Scripted) -> None:
    assert "by an alias to there.alias.kmtui.test" in looked(run, "moved.kmtui.test")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("closed.kmtui.test", "allows ca.example.net, not pebble.letsencrypt.org"),
        ("mine.kmtui.test", "only the account https://elsewhere.test/acct/9 may ask"),
        ("web.kmtui.test", "only http-01 may prove the name, not dns-01"),
        ("loop.kmtui.test", "is a loop of aliases"),
    ],
)
def test_what_no_ca_could_get_past_is_told(run: Scripted, name: str, why: str) -> None:
    assert why in looked(run, name, code=1)


def test_a_request_that_cannot_succeed_is_not_sent(run: Scripted) -> None:
    answer = run("request", "new", "-d", "closed.kmtui.test", "--account", "main", code=1)

    assert "allows ca.example.net" in answer["error"]["message"]
    assert "--force" in answer["error"]["hint"]
    assert run("request", "list")["requests"] == []


def test_who_knows_better_sends_it_all_the_same(run: Scripted) -> None:
    answer = run(
        *("request", "new", "-d", "closed.kmtui.test", "--account", "main"), "--force", "--no-wait"
    )

    assert answer["request"]["status"] == "queued"
    run("request", "cancel", str(answer["request"]["number"]))
