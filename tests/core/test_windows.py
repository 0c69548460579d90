"""Renewal windows: when CAs are asked, what of their answers is kept, and when to ask again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from kmtui.core.acme import AcmeClient
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.core import Core
from kmtui.core.windows import FIRST_LOOKS, Windows
from kmtui.db import renewal
from kmtui.model import Authority, Certificate, RenewalPlan
from tests.core.acme.fake_ca import BASE, DIRECTORY, FakeCa, problem
from tests.db.samples import Filled

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
START = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
LIFE = {"not_before": START - 30 * DAY, "not_after": START + 60 * DAY}


class Cas:
    """The CAs by name, each a fake one."""

    def __init__(self, **fakes: FakeCa) -> None:
        async def sleep(_: float) -> None:
            return None

        self._clients = {
            name: AcmeClient(DIRECTORY, http=fake.transport, sleep=sleep)
            for name, fake in fakes.items()
        }

    async def get(self, name: str) -> Authority:
        return Authority(name=name, title=name, directory_url=DIRECTORY, state="custom")

    async def client(self, name: str) -> AcmeClient:
        return self._clients[name]


class Bench:
    """Windows over an inventory whose clock stands still."""

    def __init__(self, core: Core, clock: list[datetime]) -> None:
        self.core = core
        self.clock = clock
        self.one, self.other = FakeCa(), FakeCa()
        self.chance = 0.5
        cas = cast(CertificateAuthorities, Cas(one=self.one, other=self.other))
        self.windows = Windows(core.context, cas, lambda: self.chance)
        self._filled = Filled(core.context.db)
        self._accounts = {ca: self._filled.account(ca, ca=ca) for ca in ("one", "other")}

    def certificate(self, name: str = "www.example.org", ca: str = "one") -> Certificate:
        certificate = self._filled.certificate(name, account_id=self._accounts[ca].id)
        self._filled.version(certificate, saved=True, **LIFE)
        return self._filled.now(certificate)

    def known(self, certificate: Certificate, **fields: Any) -> None:
        """Give the certificate a plan whose CA is to be asked now."""
        row = RenewalPlan(
            certificate_id=certificate.id,
            version_number=1,
            source="lifetime",
            renew_at=START + 30 * DAY,
            cert_id=certificate.name,
            next_check_at=self.clock[0],
        )
        plan = replace(row, **fields)
        self.core.context.db.write_sync(lambda session: renewal.put(session, [plan]))

    def plan(self, certificate: Certificate) -> RenewalPlan:
        found = self.core.context.db.read_sync(lambda s: renewal.plan(s, certificate.id))
        assert found is not None
        return found

    async def ask(self, certificate: Certificate) -> RenewalPlan:
        """The plan after its CA was asked, once its time to be asked has come."""
        self.clock[0] = self.plan(certificate).next_check_at or self.clock[0]
        await self.windows.refresh()
        return self.plan(certificate)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = [START]
    core = await Core.open(tmp_path / "data", actor="tester@here", clock=lambda: clock[0])
    yield Bench(core, clock)
    await core.close(seconds=5)


def suggests(start: datetime, end: datetime, retry_after: str = "3600") -> httpx.Response:
    window = {"start": start.isoformat(), "end": end.isoformat()}
    return httpx.Response(
        200, json={"suggestedWindow": window}, headers={"Retry-After": retry_after}
    )


PATH = "/renewal-info/www.example.org"


@pytest.mark.parametrize(("chance", "after"), [(0.0, 0), (0.5, 1), (1.0, 2)])
async def test_the_moment_is_any_point_of_the_window(
    bench: Bench, chance: float, after: int
) -> None:
    certificate = bench.certificate()
    bench.known(certificate)
    bench.chance = chance
    bench.one.script[PATH].append(suggests(START + DAY, START + 3 * DAY))

    plan = await bench.ask(certificate)

    assert (plan.source, plan.renew_at) == ("ari", START + (1 + after) * DAY)
    assert plan.next_check_at == START + HOUR
    assert (await bench.core.certificates.get(certificate.id)).renew_at == plan.renew_at


async def test_it_never_lies_after_expiry(bench: Bench) -> None:
    certificate = bench.certificate()
    bench.known(certificate)
    bench.chance = 1.0
    bench.one.script[PATH].append(suggests(START + DAY, START + 999 * DAY))

    assert (await bench.ask(certificate)).renew_at == START + 60 * DAY


async def test_it_stays_while_the_window_does(bench: Bench) -> None:
    certificate = bench.certificate()
    bench.known(certificate)
    same = suggests(START + DAY, START + 3 * DAY)
    bench.one.script[PATH].extend([same, same, suggests(START + 5 * DAY, START + 7 * DAY)])

    first = await bench.ask(certificate)
    bench.chance = 0.9
    second = await bench.ask(certificate)
    third = await bench.ask(certificate)

    assert first.renew_at == second.renew_at == START + 2 * DAY
    assert third.renew_at == START + 5 * DAY + 0.9 * 2 * DAY


async def test_trouble_that_passes_is_asked_about_at_growing_intervals(bench: Bench) -> None:
    certificate = bench.certificate()
    bench.known(certificate)
    bench.one.script[PATH].append(suggests(START + 20 * DAY, START + 22 * DAY))
    kept = await bench.ask(certificate)
    bench.one.script[PATH].extend([problem(500, "serverInternal", "oops")] * 99)

    pauses = []
    for _ in range(11):
        plan = await bench.ask(certificate)
        assert (plan.renew_at, plan.source) == (kept.renew_at, "ari"), "the former answer stands"
        assert plan.next_check_at is not None
        pauses.append(plan.next_check_at - bench.clock[0])

    assert pauses[:4] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert pauses[-1] == max(pauses) == 6 * HOUR
    assert "oops" in bench.plan(certificate).error
    bench.one.script[PATH].clear()
    bench.one.script[PATH].append(suggests(START + 20 * DAY, START + 22 * DAY))
    after = await bench.ask(certificate)
    assert (after.failures, after.error, after.renew_at) == (0, "", kept.renew_at)


@pytest.mark.parametrize(
    "trouble",
    [
        problem(404, "malformed", "never heard of it"),
        httpx.ConnectError("refused"),
        httpx.Response(200, html="<p>It works!</p>"),
        suggests(START + 60 * DAY, START + 61 * DAY),
    ],
    ids=["unknown", "refused", "no JSON", "after expiry"],
)
async def test_trouble_that_lasts_is_asked_about_in_six_hours(
    bench: Bench, trouble: httpx.Response | Exception
) -> None:
    certificate = bench.certificate()
    bench.known(certificate)
    bench.one.script[PATH].extend([trouble] * 3)

    plan = await bench.ask(certificate)

    assert (plan.source, plan.renew_at, plan.failures) == ("lifetime", START + 30 * DAY, 1)
    assert plan.next_check_at == START + 6 * HOUR
    assert plan.error


async def test_a_ca_that_stopped_offering_it_gives_the_word_back_to_the_life(
    bench: Bench,
) -> None:
    certificate = bench.certificate()
    window = {"window_start": START + DAY, "window_end": START + 2 * DAY}
    bench.known(certificate, source="ari", renew_at=START + DAY, **window)
    directory = bench.one.directory()
    del directory["renewalInfo"]
    bench.one.script["/directory"].append(httpx.Response(200, json=directory))

    plan = await bench.ask(certificate)

    assert (plan.source, plan.window_start, plan.next_check_at) == ("lifetime", None, START + DAY)
    assert START + 30 * DAY <= plan.renew_at <= START + 30 * DAY + 36 * HOUR


async def test_a_ca_that_is_away_is_asked_once_for_all_and_stops_no_other(bench: Bench) -> None:
    lost = [bench.certificate(f"n{number}.example.org") for number in range(3)]
    fine = bench.certificate("www.example.org", ca="other")
    for certificate in (*lost, fine):
        bench.known(certificate)
    bench.one.script["/directory"].extend([httpx.ConnectError("refused")] * 99)
    bench.other.script[PATH].append(suggests(START + DAY, START + 3 * DAY))

    await bench.windows.refresh()

    assert bench.plan(fine).source == "ari"
    assert [bench.plan(certificate).failures for certificate in lost] == [1, 1, 1]
    assert {path for _, path in bench.one.requests} == {"/directory"}
    assert bench.one.count("/directory") <= 3


async def test_a_crowd_without_plans_is_spread_over_six_hours(bench: Bench) -> None:
    crowd = [bench.certificate(f"n{number}.example.org") for number in range(5)]

    await bench.windows.plan()
    await bench.windows.refresh()

    assert bench.one.requests == []
    assert {bench.plan(each).next_check_at for each in crowd} == {START + 3 * HOUR}


async def test_what_was_just_issued_is_asked_about_at_once_but_not_all_of_a_crowd(
    bench: Bench,
) -> None:
    crowd = [bench.certificate(f"n{number}.example.org") for number in range(FIRST_LOOKS + 3)]
    filled = Filled(bench.core.context.db)
    for each in crowd:
        filled.request(each.name, certificate_id=each.id, status="saved", finished_at=START - HOUR)

    await bench.windows.plan()

    at_once = [each for each in crowd if bench.plan(each).next_check_at == START]
    assert len(at_once) == FIRST_LOOKS


async def test_a_version_without_a_name_for_it_is_not_asked_about(bench: Bench) -> None:
    certificate = bench.certificate()
    bench.known(certificate, cert_id=None)

    plan = await bench.ask(certificate)

    assert (plan.cert_id, plan.next_check_at) == (None, None)
    assert plan.error
    assert all(BASE not in path and "renewal" not in path for _, path in bench.one.requests)
