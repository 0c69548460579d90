"""Renewals that fail: told, kept, and tried again when their time has come, not before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.db import requests
from kmtui.model import Certificate, Request, RequestStatus
from tests.core.conftest import Bench
from tests.core.test_renewal import issued, make_due
from tests.db import samples
from tests.db.samples import NOW


@pytest.fixture
async def failing(bench: Bench, tmp_path: Path) -> Certificate:
    """A due certificate whose challenge file is put where nobody serves it."""
    core = bench.core
    certificate = await issued(bench)
    await make_due(core, certificate)
    webroot = tmp_path / "www"
    webroot.mkdir()
    await core.end_servers.add("unserved", kind="local", settings={"webroot": str(webroot)})
    await core.mappings.delete("www.kmtui.test")
    await core.mappings.add("www.kmtui.test", server="unserved")
    return certificate


async def mend(core: Core) -> None:
    await core.mappings.delete("www.kmtui.test")
    await core.mappings.add("www.kmtui.test", server="listener")


async def attempt(core: Core) -> Request:
    """The request of a run that makes one."""
    (outcome,) = (await core.renewal.run()).outcomes
    assert outcome.request is not None, outcome.error
    return outcome.request


async def let_pass(core: Core, request: Request) -> None:
    """Let the pause after a failure be over."""
    past = core.context.clock() - timedelta(seconds=1)
    await core.context.db.write(lambda s: requests.update(s, request.id, not_before=past))


async def test_the_next_attempt_waits_its_time_and_then_is_made(
    bench: Bench, failing: Certificate
) -> None:
    core = bench.core
    first = await attempt(core)
    assert first.status == RequestStatus.FAILED
    assert first.not_before is not None

    waiting = await core.renewal.run()
    (verdict,) = waiting.verdicts
    assert waiting.outcomes == ()
    assert (verdict.blocked, verdict.failures) == ("retry-later", 1)
    assert verdict.next_try_at == first.not_before
    assert verdict.why.startswith("failed once, last: ")
    assert (await core.certificates.get(failing.id)).current_version == 1

    await let_pass(core, first)
    second = await attempt(core)
    assert second.status == RequestStatus.FAILED
    assert second.not_before is not None
    now = core.context.clock()
    assert second.not_before - now > timedelta(minutes=5), "the pause grows"

    await let_pass(core, second)
    await mend(core)
    third = await attempt(core)
    assert (third.status, third.version) == (RequestStatus.SAVED, 2)
    assert (await core.renewal.verdict(failing.id)).failures == 0


async def test_five_failures_propose_to_stop_and_alert_the_monitor(
    bench: Bench, failing: Certificate
) -> None:
    core = bench.core
    earlier = samples.request("www.kmtui.test", kind="renew", status="failed")
    for _ in range(4):
        row = replace(earlier, id=samples.new_id(), certificate_id=failing.id, not_before=NOW)
        await core.context.db.write(lambda session, row=row: requests.insert(session, row))
    await let_pass(core, await attempt(core))

    verdict = await core.renewal.verdict(failing.id)
    alerts = await core.alerts.all(within=timedelta(days=1))

    assert verdict.due, "it goes on by itself, at its own pace"
    assert verdict.proposal.startswith("kmtui cert set www.kmtui.test --auto-renew off")
    assert [(alert.what, alert.certificate) for alert in alerts] == [("failed", "www.kmtui.test")]


async def test_a_human_may_try_at_once(bench: Bench, failing: Certificate) -> None:
    core = bench.core
    first = await attempt(core)
    await mend(core)

    again = await core.requests.retry(str(first.number))
    done = await core.requests.wait(again.id, seconds=30)

    assert (done.kind, done.status, done.version) == ("renew", RequestStatus.SAVED, 2)
