"""Renewal information on a real CA: its window is kept, the predecessor named, nonsense ignored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import AcmeError
from kmtui.db import renewal
from kmtui.model import Certificate, RenewalPlan, RequestSpec, RequestStatus
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port

NAME = "www.kmtui.test"
DAY = timedelta(days=1)


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    return pebble_factory(dns_server=bind.server, http_port=free_port(), nonce_reject=20)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def core(tmp_path: Path, ca: Pebble, clock: MovableClock) -> AsyncIterator[Core]:
    """An account at `ca`, and a listener that proves `NAME`."""
    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add("pebble", directory_url=ca.directory_url, ca_bundle=ca.ca_bundle_pem)
    await core.accounts.register("main", ca="pebble", email="a@kmtui.test", agree_tos=True)
    at = f"127.0.0.1:{ca.http_port}"
    await core.end_servers.add("web", kind="standalone", settings={"listen": at, "probe": at})
    await core.mappings.add(NAME, server="web")
    yield core
    await core.close(seconds=5)


async def issued(core: Core) -> Certificate:
    """A certificate that this CA knows as a predecessor.

    Pebble finds none whose serial, one of 64 bits, begins with a zero octet: one in 256.
    """
    while True:
        spec = RequestSpec(names=(NAME,), account="main", profile="default", auto_save="always")
        request = await core.requests.create(spec, forced=True)
        done = await core.requests.wait(request.id, seconds=60)
        assert done.status == RequestStatus.SAVED, done.problem
        certificate = await core.certificates.get(done.certificate_id or "")
        version = await core.certificates.version(certificate.id, done.version or 0)
        if len(version.serial) > 14:
            return certificate


async def chain(core: Core, certificate: Certificate, number: int) -> str:
    return (await core.certificates.version(certificate.id, number)).chain_pem


def leaf(pem: str) -> str:
    end = "-----END CERTIFICATE-----\n"
    return pem[: pem.index(end) + len(end)]


async def suggest(
    core: Core, ca: Pebble, certificate: Certificate, start: timedelta, end: timedelta
) -> tuple[datetime, datetime]:
    """Let the CA suggest a window for the current version."""
    now = core.context.clock().replace(microsecond=0)
    window = {"start": (now + start).isoformat(), "end": (now + end).isoformat()}
    await answer(core, ca, certificate, json.dumps({"suggestedWindow": window}))
    return now + start, now + end


async def answer(core: Core, ca: Pebble, certificate: Certificate, text: str) -> None:
    number = certificate.current_version or 0
    ca.set_renewal_info(leaf(await chain(core, certificate, number)), text)


async def plan(core: Core, certificate: Certificate) -> RenewalPlan:
    found = await core.context.db.read(lambda session: renewal.plan(session, certificate.id))
    assert found is not None
    return found


async def test_soon_after_issuance_the_window_is_known_and_kept(
    core: Core, ca: Pebble, clock: MovableClock
) -> None:
    certificate = await issued(core)
    window = await suggest(core, ca, certificate, 20 * DAY, 22 * DAY)

    await core.renewal.run()
    first = await plan(core, certificate)
    clock.ahead = DAY + timedelta(hours=1)
    await core.renewal.run()
    second = await plan(core, certificate)

    assert (first.source, first.window_start, first.window_end) == ("ari", *window)
    assert window[0] <= first.renew_at <= window[1]
    assert second.renew_at == first.renew_at
    assert first.checked_at is not None
    assert first.next_check_at is not None
    assert timedelta(minutes=1) <= first.next_check_at - first.checked_at <= DAY
    assert second.checked_at is not None
    assert second.checked_at > first.next_check_at
    verdict = await core.renewal.verdict(certificate.id)
    assert "the CA suggests renewing between" in verdict.why
    assert (verdict.due, verdict.window) == (False, window)


async def test_a_window_in_the_past_renews_now_and_names_the_predecessor(
    core: Core, ca: Pebble
) -> None:
    certificate = await issued(core)
    await suggest(core, ca, certificate, -2 * DAY, -DAY)

    run = await core.renewal.run()

    (outcome,) = run.outcomes
    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
    assert outcome.request.replaces
    with pytest.raises(AcmeError) as caught:
        await order_again(core, outcome.request.replaces)
    assert caught.value.problem is not None
    assert caught.value.problem.http_status == 409
    assert (await plan(core, certificate)).version_number == outcome.request.version
    assert (await core.renewal.run()).outcomes == ()


async def order_again(core: Core, replaces: str) -> None:
    account = await core.accounts.get("main")
    client, signer = await core.cas.client("pebble"), await core.accounts.signer(account)
    await client.new_order(signer, [NAME], profile="default", replaces=replaces)


async def test_a_predecessor_that_was_replaced_already_is_left_out_once(
    core: Core, ca: Pebble
) -> None:
    certificate = await issued(core)
    (outcome,) = await core.renewal.wait(await core.renewal.renew([NAME], force=True))
    assert outcome.request is not None
    spec = RequestSpec(names=(NAME,), account="main", profile="default", auto_save="always")

    again = await core.requests.create(
        spec,
        certificate_id=certificate.id,
        replaces=outcome.request.replaces,
        after_version=outcome.request.version,
        forced=True,
    )
    done = await core.requests.wait(again.id, seconds=60)

    assert done.status == RequestStatus.SAVED, done.problem
    assert done.version == (outcome.request.version or 0) + 1
    assert done.replaces is None
    lines = [line.text for line in await core.requests.log(done.id)]
    assert sum("replace" in line for line in lines) == 1, lines


NOW = "2026-10-01T00:00:00Z"


@pytest.mark.parametrize(
    "garbage",
    [
        json.dumps({"suggestedWindow": {"start": NOW, "end": NOW}}),
        json.dumps({"suggestedWindow": {"start": NOW, "end": "2001-01-01T00:00:00Z"}}),
        json.dumps({"suggestedWindow": {"start": NOW}}),
        json.dumps(
            {"suggestedWindow": {"start": "2999-01-01T00:00:00Z", "end": "2999-01-02T00:00:00Z"}}
        ),
        "<html>It works!</html>",
        "",
        "[]",
    ],
)
async def test_nonsense_is_passed_over_and_asked_about_again_in_six_hours(
    core: Core, ca: Pebble, clock: MovableClock, garbage: str
) -> None:
    certificate = await issued(core)
    await answer(core, ca, certificate, garbage or " ")

    await core.renewal.run()

    found = await plan(core, certificate)
    assert (found.source, found.failures) == ("lifetime", 1)
    assert found.error
    assert found.checked_at is not None
    assert found.next_check_at == found.checked_at + timedelta(hours=6)
    clock.ahead = 65 * DAY
    assert (await core.renewal.verdict(certificate.id)).due, "the life of it still rules"


async def test_another_window_moves_the_moment_and_the_same_does_not(
    core: Core, ca: Pebble, clock: MovableClock
) -> None:
    certificate = await issued(core)
    await suggest(core, ca, certificate, 20 * DAY, 22 * DAY)
    await core.renewal.run()
    before: Any = await plan(core, certificate)
    window = await suggest(core, ca, certificate, 5 * DAY, 6 * DAY)
    await core.renewal.run()
    assert await plan(core, certificate) == before, "not asked before its time"

    clock.ahead = DAY + timedelta(hours=1)
    await core.renewal.run()

    after = await plan(core, certificate)
    assert window[0] <= after.renew_at <= window[1]
    assert (await core.certificates.get(certificate.id)).renew_at == after.renew_at
