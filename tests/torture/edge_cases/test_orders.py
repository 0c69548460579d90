"""Orders that are cut off, reused, ready before their time, or about something else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kmtui.core.acme.retries import TRIES
from kmtui.model import RequestKind, RequestStatus
from tests.core.acme.fake_ca import BASE, FakeCa, problem
from tests.torture.edge_cases.conftest import Desk

Change = Callable[[dict[str, Any]], object]


def placed(ca: FakeCa, change: Change = lambda order: None) -> None:
    """Let the next new order be changed after the CA made it and before it answers."""

    def place(request: httpx.Request) -> httpx.Response:
        made = ca.answer(request)
        order = ca.orders[f"/order/{len(ca.orders)}"]
        change(order)
        return httpx.Response(201, json=order, headers={"Location": made.headers["Location"]})

    ca.script["/new-order"].append(place)


def authorize(ca: FakeCa, url: str) -> None:
    ca.authorizations[url.removeprefix(BASE)]["status"] = "valid"


def answered(ca: FakeCa) -> list[str]:
    """The challenges that were answered."""
    return [path for path, payload in ca.payloads if path.startswith("/chall/") and payload == {}]


@pytest.mark.edge(11)
async def test_edge_11_what_was_issued_to_a_process_that_died_is_fetched_with_its_key(
    desk: Desk,
) -> None:
    def die(request: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    desk.ca.script["/cert/1"].append(die)
    cut = await desk.obtain("www.example.org")
    assert cut.status == RequestStatus.FINALIZING
    finalized = desk.ca.count("/finalize/1")

    recovered = await desk.restart()
    assert [each.id for each in recovered.requests] == [cut.id]
    done = await desk.core.requests.wait(cut.id, seconds=20)

    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert (len(desk.ca.orders), desk.ca.count("/finalize/1")) == (1, finalized)


@pytest.mark.edge(12)
async def test_edge_12_an_order_that_a_ca_hands_out_again_belongs_to_one_request(
    desk: Desk,
) -> None:
    busy = httpx.Response(200, json={"status": "pending"})
    desk.ca.script["/chall/1-0/http-01"].append(busy)
    first = await desk.obtain("www.example.org")
    assert first.status == RequestStatus.PARKED
    await desk.core.requests.cancel(first.id)
    desk.ca.authorizations["/authz/1-0"]["status"] = "pending"
    order = desk.ca.orders["/order/1"]
    location = {"Location": f"{BASE}/order/1"}
    desk.ca.script["/new-order"].append(httpx.Response(201, json=order, headers=location))

    second = await desk.obtain("www.example.org")

    assert second.status == RequestStatus.AVAILABLE, second.problem
    assert second.order_url == f"{BASE}/order/1"
    assert (await desk.core.requests.get(first.id)).order_url is None
    assert len(desk.ca.orders) == 1


@pytest.mark.edge(13)
async def test_edge_13_a_name_the_ca_trusts_already_is_not_proved_again(desk: Desk) -> None:
    placed(desk.ca, lambda order: authorize(desk.ca, order["authorizations"][0]))

    request = await desk.obtain("a.example.org", "b.example.org")

    assert request.status == RequestStatus.AVAILABLE, request.problem
    assert len(answered(desk.ca)) == 1


@pytest.mark.edge(13)
async def test_edge_13_an_order_that_is_ready_at_once_is_finalized_at_once(desk: Desk) -> None:
    placed(desk.ca, lambda order: order.update(status="ready"))

    request = await desk.obtain("www.example.org")

    assert request.status == RequestStatus.AVAILABLE, request.problem
    assert answered(desk.ca) == []
    assert "presenting" not in await desk.log(request)
    assert not [path for _, path in desk.ca.requests if path.startswith("/authz/")]


@pytest.mark.edge(19)
@pytest.mark.parametrize("allowed", [True, False], ids=["deactivated", "refused"])
async def test_edge_19_never_is_a_second_challenge_of_an_authorization_answered(
    desk: Desk, allowed: bool
) -> None:
    placed(desk.ca, lambda order: busy_by_dns(desk.ca, order))
    desk.ca.deactivates = allowed
    if not allowed:  # and hands the same order out again
        order, location = desk.ca.orders, {"Location": f"{BASE}/order/1"}
        desk.ca.script["/new-order"].append(
            lambda request: httpx.Response(201, json=order["/order/1"], headers=location)
        )

    request = await desk.obtain("www.example.org")

    assert "/chall/1-0/http-01" not in answered(desk.ca)
    assert ("/authz/1-0", {"status": "deactivated"}) in desk.ca.payloads
    if allowed:
        assert request.status == RequestStatus.AVAILABLE, request.problem
        assert request.order_url == f"{BASE}/order/2"
    else:
        assert request.status == RequestStatus.PARKED
        assert request.problem is not None
        assert request.problem.what == "the CA still checks www.example.org by dns-01"


def busy_by_dns(ca: FakeCa, order: dict[str, Any]) -> None:
    """As if dns-01 had been answered a moment ago, by an earlier request that was given up."""
    authorization = ca.authorizations[order["authorizations"][0].removeprefix(BASE)]
    by_type = {each["type"]: each for each in authorization["challenges"]}
    by_type["dns-01"]["status"] = "processing"


@pytest.mark.edge(20)
@pytest.mark.edge(21)
@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (409, "alreadyReplaced"),
        (409, "conflict"),
        (409, "malformed"),
        (403, "unauthorized"),
        (404, "malformed"),
        (400, "malformed"),
        (500, "serverInternal"),
    ],
)
async def test_edge_20_21_a_predecessor_the_ca_does_not_take_is_left_out_once(
    desk: Desk, status: int, type_: str
) -> None:
    first = await desk.obtain("www.example.org")
    refused = TRIES if status == 500 else 1
    desk.ca.script["/new-order"] += [problem(status, type_, "no such predecessor")] * refused

    renewed = await desk.obtain(
        "www.example.org",
        kind=RequestKind.RENEW,
        certificate_id=first.certificate_id,
        replaces="YWtp.AIdlQyE",
    )

    assert renewed.status == RequestStatus.AVAILABLE, renewed.problem
    assert renewed.replaces is None
    assert "without naming the predecessor" in await desk.log(renewed)
    assert desk.ca.count("/new-order") == 2 + refused


@pytest.mark.edge(24)
@pytest.mark.parametrize("names", [["example.org"], ["www.example.org", "evil.test"]])
async def test_edge_24_an_order_for_other_names_ends_before_anything_is_published(
    desk: Desk, names: list[str]
) -> None:
    identifiers = [{"type": "dns", "value": name} for name in names]
    placed(desk.ca, lambda order: order.update(identifiers=identifiers))

    request = await desk.obtain("www.example.org")

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert "other names" in request.problem.what
    assert answered(desk.ca) == []
    assert await desk.core.requests.challenges(request.id) == []
