"""When the CA says later: honoured, bounded, written down, and never a reason to give up others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from kmtui.core.acme import AcmeClient, Order, Signer
from kmtui.core.errors import StillProcessing
from kmtui.model import RequestKind, RequestStatus
from tests.core.acme.fake_ca import BASE, Clock, FakeCa, problem
from tests.torture.edge_cases.conftest import Desk

DAY = "86400"
UNPAUSE = "https://ca.test/unpause?token=1"


@pytest.mark.edge(5)
async def test_edge_05_a_long_rate_limit_is_slept_over_and_stops_nobody_else(desk: Desk) -> None:
    desk.ca.script["/new-order"].append(
        problem(429, "rateLimited", "5 a week", Retry_After="122400")
    )
    parked = await desk.obtain("www.example.org")
    assert parked.status == RequestStatus.PARKED
    assert parked.not_before is not None
    assert abs(parked.not_before - desk.wall() - timedelta(hours=34)) < timedelta(minutes=1)

    other = await desk.obtain("api.example.org")
    assert other.status == RequestStatus.AVAILABLE, other.problem

    asked = desk.ca.count("/new-order")
    recovered = await desk.restart()
    assert [each.id for each in recovered.waiting] == [parked.id]
    assert desk.ca.count("/new-order") == asked

    desk.wall.ahead = timedelta(hours=34, minutes=5)
    await desk.core.recovery.run()
    done = await desk.core.requests.wait(parked.id, seconds=20)
    assert done.status == RequestStatus.AVAILABLE, done.problem


@pytest.mark.edge(6)
async def test_edge_06_a_paused_name_waits_for_a_human_with_the_link(desk: Desk) -> None:
    first = await desk.obtain("www.example.org")
    desk.ca.script["/new-order"].append(problem(429, "rateLimited", f"paused; visit {UNPAUSE}"))

    request = await desk.obtain(
        "www.example.org", kind=RequestKind.RENEW, certificate_id=first.certificate_id
    )

    assert (request.status, request.not_before) == (RequestStatus.FAILED, None)
    assert request.problem is not None
    assert UNPAUSE in request.problem.detail
    assert "unpause" in request.problem.hint


@pytest.fixture(params=["America/New_York", "Asia/Tokyo", "UTC"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def in_half_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)


@pytest.mark.edge(7)
@pytest.mark.usefixtures("time_zone")
@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        (in_half_a_minute, 27.0, 31.0),
        (lambda: "Thu, 01 Jan 1970 00:00:00 GMT", 1.0, 1.0),
        (lambda: "-5", 1.0, 15.0),
        (lambda: "100000000000000", 300.0, 300.0),
        (lambda: "tomorrow", 1.0, 15.0),
        (lambda: "", 1.0, 15.0),
    ],
    ids=["date", "1970", "negative", "10^14", "garbage", "empty"],
)
async def test_edge_07_retry_after_in_any_form_and_time_zone_is_a_bounded_wait(
    ca: FakeCa,
    client: AcmeClient,
    signer: Signer,
    ready: Order,
    clock: Clock,
    retry_after: Any,
    least: float,
    most: float,
) -> None:
    def processing(request: httpx.Request) -> httpx.Response:
        document = {**ca.orders["/order/1"], "status": "processing"}
        return httpx.Response(200, json=document, headers={"Retry-After": retry_after()})

    ca.script["/order/1"].extend([processing] * 1000)
    clock.slept.clear()

    with pytest.raises(StillProcessing):
        await client.poll_order(signer, ready.url, until={"valid"}, deadline=700)

    assert all(least <= pause <= most for pause in clock.slept[:-1]), clock.slept


def still_looking(desk: Desk) -> None:
    """The CA takes the answer to the first order's challenge, and thinks about it for a day."""

    def take(request: httpx.Request) -> httpx.Response:
        challenge = desk.ca.authorizations["/authz/1-0"]["challenges"][0]
        challenge["status"] = "processing"
        return httpx.Response(200, json=challenge, headers={"Retry-After": DAY})

    def think(request: httpx.Request) -> httpx.Response:
        document = desk.ca.authorizations["/authz/1-0"]
        return httpx.Response(200, json=document, headers={"Retry-After": DAY})

    desk.ca.script["/chall/1-0/http-01"].append(take)
    desk.ca.script["/authz/1-0"].extend([think] * 9)


@pytest.mark.edge(8)
async def test_edge_08_a_ca_that_says_tomorrow_finds_the_answer_in_place_tomorrow(
    desk: Desk,
) -> None:
    still_looking(desk)
    parked = await desk.obtain("www.example.org")

    assert parked.status == RequestStatus.PARKED
    assert parked.not_before is not None
    assert parked.not_before - desk.wall() > timedelta(hours=23)
    assert len(desk.published()) == 1
    await desk.restart()
    assert len(desk.published()) == 1

    desk.ca.script.clear()
    desk.ca.authorizations["/authz/1-0"]["status"] = "valid"
    desk.wall.ahead = timedelta(days=1, minutes=5)
    await desk.core.recovery.run()
    done = await desk.core.requests.wait(parked.id, seconds=20)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert desk.published() == []
    assert len(desk.ca.orders) == 1
    assert BASE in str(done.order_url)
