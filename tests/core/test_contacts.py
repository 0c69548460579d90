"""Which CAs answer: one that is asked again and again for days and never answers is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from kmtui.core.acme import AcmeClient
from kmtui.core.contacts import SETTING, merged
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, CaUnreachable, DatabaseError, KmtuiError
from kmtui.core.sandbox.sandbox import Sandbox
from kmtui.db import settings
from kmtui.db.database import Database
from kmtui.model import Contact
from tests.core.acme.fake_ca import DIRECTORY, FakeCa

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DOWN = KmtuiError("no connection")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    yield core
    await core.close(seconds=5)


async def word(core: Core, ca: str = "house") -> str:
    return (await core.cas.contacts.all())[ca].word


async def test_two_days_of_nothing_but_failures_make_a_ca_silent(core: Core, clock: Clock) -> None:
    contacts = core.cas.contacts
    contacts.heard("house", None)
    assert await word(core) == "ok"

    clock.now += HOUR
    contacts.heard("house", DOWN)
    assert await word(core) == "failing"
    clock.now += 2 * DAY - HOUR
    contacts.heard("house", DOWN)
    assert await word(core) == "failing"
    clock.now += HOUR
    contacts.heard("house", DOWN)
    assert await word(core) == "silent"

    found = (await contacts.all())["house"]
    assert (found.answered_at, found.failing_since) == (START, START + HOUR)
    assert found.error == "no connection"


async def test_one_answer_ends_it(core: Core, clock: Clock) -> None:
    for _ in range(4):
        core.cas.contacts.heard("house", DOWN)
        clock.now += DAY
    assert await word(core) == "silent"

    core.cas.contacts.heard("house", None)
    core.cas.contacts.heard("house", DOWN)

    assert await word(core) == "failing"


async def test_a_failure_long_ago_that_nobody_tried_again_proves_nothing(
    core: Core, clock: Clock
) -> None:
    core.cas.contacts.heard("house", DOWN)
    clock.now += 30 * DAY

    assert await word(core) == "failing"


async def test_what_was_heard_is_there_in_the_next_process(
    core: Core, tmp_path: Path, clock: Clock
) -> None:
    core.cas.contacts.heard("house", DOWN)
    await core.close()

    later = await Core.open(tmp_path / "data", clock=clock)
    clock.now += 2 * DAY
    later.cas.contacts.heard("house", DOWN)
    assert await word(later) == "silent"
    await later.close()

    looking = await Core.open(tmp_path / "data", read_only=True, clock=clock)
    looking.cas.contacts.heard("house", None)
    assert await word(looking) == "ok", "told, though it cannot be written down"
    await looking.close()


async def test_a_ca_that_answers_all_the_time_is_written_down_once_an_hour(
    core: Core, clock: Clock
) -> None:
    seen = set()
    for _ in range(12):
        core.cas.contacts.heard("house", None)
        await core.cas.contacts.store()
        seen.add(await core.context.db.read(lambda s: settings.get(s, SETTING + "house")))
        clock.now += HOUR / 4

    assert len(seen) == 3


async def test_what_cannot_be_written_down_is_kept_and_ends_nothing(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise DatabaseError("disk full")

    core.cas.contacts.heard("house", None)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", full)
        with pytest.raises(DatabaseError):
            await core.cas.contacts.store()
        await core.cas.close()

    assert await word(core) == "ok"


async def test_a_setting_that_makes_no_sense_says_nothing(core: Core) -> None:
    for text in ("", "[]", '{"error": 1, "failed_at": "x"}', '{"answered_at": 5, "error": ""}'):
        await core.context.db.write(partial(settings.put, name=SETTING + "house", value=text))
        assert await core.cas.contacts.all() == {}


async def test_a_ca_that_is_removed_or_becomes_another_is_forgotten(core: Core) -> None:
    await core.cas.add("house", directory_url="https://one.example.org/directory")
    core.cas.contacts.heard("house", DOWN)
    await core.cas.contacts.store()

    await core.cas.remove("house")

    assert await core.cas.contacts.all() == {}


def test_the_same_news_twice_changes_nothing() -> None:
    known = Contact(ca="house", answered_at=START)
    news = Contact(ca="house", failing_since=START + HOUR, failed_at=START + 2 * HOUR, error="x")

    once = merged(known, news)

    assert merged(once, news) == once


# What clients tell


@pytest.fixture
def told() -> list[str]:
    return []


def client(told: list[str], transport: httpx.AsyncBaseTransport) -> AcmeClient:
    async def at_once(_: float) -> None:
        return None

    def heard(error: AcmeError | None) -> None:
        told.append("failure" if error else "answer")

    return AcmeClient(DIRECTORY, http=transport, sleep=at_once, heard=heard)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (httpx.Response(503), ["failure"]),
        (httpx.Response(404), ["failure"]),
        (httpx.Response(200, text="<h1>this domain is for sale</h1>"), ["failure"]),
        (httpx.Response(429), []),
    ],
)
async def test_only_a_directory_counts_as_an_answer(
    told: list[str], reply: httpx.Response, said: list[str]
) -> None:
    transport = httpx.MockTransport(lambda request: reply)

    with pytest.raises(AcmeError):
        await client(told, transport).directory()

    assert told == said


async def test_a_connection_that_fails_is_told_and_so_is_the_directory(told: list[str]) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(CaUnreachable):
        await client(told, httpx.MockTransport(refuse)).directory()
    await client(told, FakeCa().transport).directory()

    assert told == ["failure", "answer"]


# The unattended run, and what is told of it


async def test_the_unattended_run_asks_the_cas_in_use_and_check_tells_the_silent_one(
    core: Core, clock: Clock
) -> None:
    # given: an account at a CA, which then goes away
    async with Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0) as sandbox:
        await core.cas.add("house", directory_url=sandbox.directory_url)
        await core.cas.add("unused", directory_url="https://127.0.0.1:1/directory")
        await core.accounts.register("main", ca="house", email="ops@kmtui.test", agree_tos=True)
        await core.unattended.run()
        assert await core.alerts.all(within=DAY) == []

    # when: the run comes as the timer starts it
    for _ in range(3):
        clock.now += DAY
        await core.unattended.run()

    # then
    (alert,) = await core.alerts.all(within=DAY)
    assert (alert.what, alert.ca) == ("ca-silent", "house")
    assert alert.text.startswith("house has not answered since 2026-11-20 12:00: ")
    assert "kmtui cert move" in alert.text
    assert "unused" not in await core.cas.contacts.all()


async def test_a_ca_heard_of_lately_is_not_asked(core: Core) -> None:
    async with Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0) as sandbox:
        await core.cas.add("house", directory_url=sandbox.directory_url)
        await core.accounts.register("main", ca="house", email="ops@kmtui.test", agree_tos=True)

    await core.cas.look_after()

    assert await word(core) == "ok"
