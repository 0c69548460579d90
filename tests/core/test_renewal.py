"""The unattended run and renewing by hand, against the sandbox: each due one once, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.core.clockguard import LAST_SEEN
from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, KmtuiError, NotFound, Refused
from kmtui.core.locks import FOLDER, FileLock
from kmtui.core.renewal import LOCK
from kmtui.db import accounts, certificates, renewal, settings, versions
from kmtui.model import Certificate, ListQuery, RenewalPlan, RequestSpec, RequestStatus
from tests.core.conftest import Bench
from tests.db import samples

DAY = timedelta(days=1)


async def issued(bench: Bench, name: str = "www.kmtui.test", save: str = "always") -> Certificate:
    """A certificate with a first version."""
    core = bench.core
    request = await core.requests.create(
        RequestSpec(names=(name,), account="practice", auto_save=save)
    )
    done = await core.requests.wait(request.id, seconds=30)
    assert done.version == 1, done.problem
    return await core.certificates.get(done.certificate_id or "")


async def make_due(core: Core, certificate: Certificate) -> None:
    """Let the renewal time of its current version have come an hour ago."""
    now = core.context.clock()
    plan = RenewalPlan(
        certificate_id=certificate.id,
        version_number=certificate.current_version or 0,
        source="lifetime",
        renew_at=now - timedelta(hours=1),
        next_check_at=now + DAY,
    )
    await core.context.db.write(lambda session: renewal.put(session, [plan]))


async def requests_of(core: Core) -> list[str]:
    query = ListQuery(now=datetime.now(UTC))
    return [f"{row.kind} {row.status}" for row in await core.requests.page(query)]


# --- the unattended run ---------------------------------------------------------------------------


async def test_what_is_due_is_renewed_once_with_a_new_key_and_the_same_choices(
    bench: Bench,
) -> None:
    core = bench.core
    certificate = await issued(bench)
    other = await issued(bench, "api.kmtui.test")
    await make_due(core, certificate)

    run = await core.renewal.run()
    again = await core.renewal.run()

    assert [outcome.certificate.name for outcome in run.outcomes] == ["www.kmtui.test"]
    (outcome,) = run.outcomes
    assert outcome.request is not None
    assert (outcome.request.kind, outcome.request.status) == ("renew", "saved"), outcome.request
    assert (run.put_off, run.notes, run.held_by) == (0, (), None)
    assert again.outcomes == ()
    history = await core.certificates.history(certificate.id)
    assert [(v.number, v.why) for v in history] == [(2, "renew"), (1, "issue")]
    assert history[0].spki_sha256 != history[1].spki_sha256
    assert (await core.certificates.get(other.id)).current_version == 1
    plan = await core.context.db.read(lambda session: renewal.plan(session, certificate.id))
    assert plan is not None
    assert plan.version_number == 2


async def test_the_old_version_serves_until_the_new_one_is_saved(bench: Bench) -> None:
    core = bench.core
    certificate = await issued(bench, save="ask")
    await core.certificates.save(certificate.id)
    certificate = await core.certificates.get(certificate.id)
    await make_due(core, certificate)

    run = await core.renewal.run()
    again = await core.renewal.run()

    (outcome,) = run.outcomes
    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.AVAILABLE
    now = await core.certificates.get(certificate.id)
    assert (now.current_version, now.unsaved_version) == (1, 2)
    (verdict,) = again.verdicts
    assert (verdict.blocked, again.outcomes) == ("unsaved", ())


async def test_a_dry_run_says_what_is_due_and_does_nothing(bench: Bench) -> None:
    core = bench.core
    certificate = await issued(bench)
    await make_due(core, certificate)
    before = await core.data_version(), await requests_of(core)

    run = await core.renewal.run(dry_run=True)

    assert [(verdict.certificate, verdict.due) for verdict in run.verdicts] == [
        ("www.kmtui.test", True)
    ]
    assert run.outcomes == ()
    assert (await core.data_version(), await requests_of(core)) == before


async def test_a_renewal_that_cannot_even_be_asked_for_is_told_and_recorded(
    bench: Bench,
) -> None:
    core = bench.core
    certificate = await issued(bench)
    await make_due(core, certificate)
    await core.mappings.delete("www.kmtui.test")
    await core.mappings.delete(".kmtui.test")

    run = await core.renewal.run()

    (outcome,) = run.outcomes
    assert outcome.error is not None
    assert outcome.error.hint
    activity = await core.activity.page(ListQuery(now=datetime.now(UTC)))
    assert (activity[0].action, activity[0].outcome) == ("request renew", "failed")
    assert (await core.certificates.get(certificate.id)).current_version == 1


async def test_a_second_run_beside_the_first_steps_aside(bench: Bench) -> None:
    core = bench.core
    await make_due(core, await issued(bench))
    lock = FileLock.take(core.data / FOLDER / LOCK)
    assert lock is not None

    with lock:
        aside = await core.renewal.run()
    run = await core.renewal.run()

    assert aside.held_by
    assert aside.outcomes == ()
    assert len(run.outcomes) == 1


async def test_a_request_that_was_cut_off_is_taken_up_by_the_run(bench: Bench) -> None:
    core = bench.core
    bench.sandbox.lag = 60.0
    spec = RequestSpec(names=("api.kmtui.test",), account="practice", auto_save="always")
    request = await core.requests.create(spec)
    await asyncio.sleep(0.3)
    await core.jobs.close(seconds=10)
    bench.sandbox.lag = 0.0

    run = await core.renewal.run()

    assert [o.request.id for o in run.outcomes if o.request] == [request.id]
    assert (await core.requests.get(request.id)).status == RequestStatus.SAVED


# --- by hand --------------------------------------------------------------------------------------


async def test_by_hand_a_fresh_version_is_renewed_too(bench: Bench) -> None:
    core = bench.core
    certificate = await issued(bench)

    ended = await core.renewal.wait(await core.renewal.renew(["www.kmtui.test", certificate.id]))

    assert [o.request and o.request.status for o in ended] == [RequestStatus.SAVED]
    assert (await core.certificates.get(certificate.id)).current_version == 2


async def test_what_was_set_at_the_certificate_goes_into_its_next_version(bench: Bench) -> None:
    core = bench.core
    certificate = await issued(bench)
    await core.certificates.set(certificate.id, name="shop", auto_save="ask", auto_renew=False)

    (outcome,) = await core.renewal.wait(await core.renewal.renew(["shop"]))

    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.AVAILABLE
    assert (await core.certificates.get("shop")).auto_renew is False
    assert (await core.renewal.verdict("shop")).blocked == "auto-renew-off"


async def test_one_that_cannot_be_renewed_does_not_stop_the_others(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    lonely = samples.certificate("lonely.example.org")
    await core.context.db.write(lambda session: certificates.insert(session, lonely))

    ended = await core.renewal.wait(
        await core.renewal.renew(["lonely.example.org", "www.kmtui.test"])
    )

    assert [o.error is None for o in ended] == [False, True]
    assert ended[0].error is not None
    assert "no account" in ended[0].error.message


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({}, InvalidInput),
        ({"auto_save": "never"}, InvalidInput),
        ({"name": " "}, InvalidInput),
        ({"account": "nobody"}, NotFound),
        ({"account": "gone"}, Refused),
    ],
)
async def test_settings_that_make_no_sense_are_refused(
    core: Core, wrong: dict[str, str], error: type[KmtuiError]
) -> None:
    gone = samples.account("gone", status="deactivated")
    await core.context.db.write(lambda session: accounts.insert(session, gone))
    row = samples.certificate("www.example.org")
    await core.context.db.write(lambda session: certificates.insert(session, row))

    with pytest.raises(error):
        await core.certificates.set("www.example.org", **wrong)  # type: ignore[arg-type]

    assert await core.certificates.get("www.example.org") == await core.certificates.get(row.id)
    assert (await core.certificates.get(row.id)).auto_renew


# --- many certificates, and the clock -------------------------------------------------------------


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def crowd(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Core]:
    """Forty certificates of 90 days, a month old, of an account at a CA that cannot be reached."""
    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add("away", directory_url="https://127.0.0.1:9/directory")
    await fill(core, 40)
    yield core
    await core.close(seconds=5)


async def fill(core: Core, count: int) -> None:
    now = core.context.clock()
    account = samples.account("main", ca="away")

    def store(session: object) -> None:
        accounts.insert(session, account)  # type: ignore[arg-type]
        for number in range(count):
            row = samples.certificate(f"n{number:04}.example.org", account_id=account.id)
            dates = {"not_before": now - 30 * DAY, "not_after": now + 60 * DAY}
            version = samples.version(row, **dates)
            certificates.insert(session, row)  # type: ignore[arg-type]
            versions.insert(session, version, key_secret_id=None)  # type: ignore[arg-type]
            versions.mark_saved(session, version.id, now)  # type: ignore[arg-type]

    await core.context.db.write(store)


async def test_when_nothing_is_due_nobody_is_asked(
    crowd: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.create_connection", no_network)
    monkeypatch.setattr("socket.socket.connect", no_network)

    run = await crowd.renewal.run()

    assert len(run.verdicts) == 40
    assert not any(verdict.due for verdict in run.verdicts)
    ids = [verdict.certificate_id for verdict in run.verdicts]
    plans = await crowd.context.db.read(lambda session: renewal.plans(session, ids))
    assert len({plan.renew_at for plan in plans.values()}) > 30, "spread, not all at one moment"
    now = crowd.context.clock()
    assert all(
        now < p.next_check_at <= now + timedelta(hours=6) for p in plans.values() if p.next_check_at
    )


async def test_a_clock_ten_years_ahead_renews_no_crowd(crowd: Core, clock: MovableClock) -> None:
    await crowd.renewal.run()
    clock.ahead = timedelta(days=3650)

    run = await crowd.renewal.run()

    assert sum(verdict.due for verdict in run.verdicts) == 40
    assert run.put_off == 30
    assert any("40 of 40" in note for note in run.notes)
    activity = await crowd.activity.page(ListQuery(now=clock(), limit=20))
    assert any("40 of 40" in line.detail for line in activity)


async def test_a_clock_ten_years_behind_stops_the_run(crowd: Core, clock: MovableClock) -> None:
    await crowd.renewal.run()
    clock.ahead = timedelta(days=-3650)

    with pytest.raises(Refused, match="clock"):
        await crowd.renewal.run()

    assert await requests_of(crowd) == []


async def test_a_limit_says_that_many_are_meant(crowd: Core, clock: MovableClock) -> None:
    clock.ahead = 45 * DAY

    run = await crowd.renewal.run(limit=12)

    assert (len(run.outcomes), run.put_off, run.notes) == (12, 28, ())


@pytest.mark.parametrize(
    ("ahead", "renewed"), [(3650 * DAY, False), (-3650 * DAY, False), (timedelta(hours=1), True)]
)
async def test_a_ca_whose_clock_differs_by_more_than_a_day_is_not_used(
    tmp_path: Path, clock: MovableClock, ahead: timedelta, renewed: bool
) -> None:
    from kmtui.core.sandbox.sandbox import Sandbox

    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    async with Sandbox(zones=("kmtui.test",), pace=0.0, lag=0.0) as sandbox:
        await core.cas.add("sandbox", directory_url=sandbox.directory_url)
        await core.accounts.register("practice", ca="sandbox", email="a@kmtui.test", agree_tos=True)
        at = f"127.0.0.1:{sandbox.http_port}"
        await core.end_servers.add(
            "listener", kind="standalone", settings={"listen": at, "probe": at}
        )
        await core.mappings.add("www.kmtui.test", server="listener")
        certificate = await issued(Bench(core, sandbox))
        clock.ahead = ahead
        await make_due(core, certificate)

        run = await core.renewal.run()

        (outcome,) = run.outcomes
        assert (outcome.error is None) is renewed
        assert any("clock" in note for note in run.notes)
        seen = await core.context.db.read(lambda session: settings.get(session, LAST_SEEN))
        assert (seen is not None) is renewed
    await core.close(seconds=5)


async def test_a_clock_that_was_set_right_again_is_confirmed_by_a_ca(
    bench: Bench,
) -> None:
    core = bench.core
    certificate = await issued(bench)
    await make_due(core, certificate)
    future = (datetime.now(UTC) + 3650 * DAY).isoformat()
    await core.context.db.write(lambda session: settings.put(session, LAST_SEEN, future))

    run = await core.renewal.run()

    assert len(run.outcomes) == 1
    assert run.outcomes[0].error is None


async def test_a_thousand_certificates_are_judged_within_a_moment(core: Core) -> None:
    await core.cas.add("away", directory_url="https://127.0.0.1:9/directory")
    await fill(core, 1000)
    await core.renewal.run()
    loop = asyncio.get_running_loop()
    started = loop.time()

    run = await core.renewal.run()

    assert len(run.verdicts) == 1000
    assert loop.time() - started < 1.0
