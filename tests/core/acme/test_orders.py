"""Orders: what is asked for is what is ordered, and a CSR is never sent blindly twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.acme import AcmeClient, Order, Signer
from kmtui.core.errors import AcmeError, CaUnreachable, ProtocolViolation, StillProcessing
from tests.core.acme.fake_ca import BASE, Clock, FakeCa, Lost, csr, problem

CSR = csr(ec.generate_private_key(ec.SECP256R1()), "www.example.org")
Change = Callable[[list[dict[str, str]]], object]


async def test_names_become_identifiers(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    names = ["Example.org", "example.org", "*.example.org", "2001:DB8::0:7", "192.0.2.7"]
    order = await client.new_order(signer, names, profile="short")
    assert {(each.type, each.value) for each in order.identifiers} == {
        ("dns", "example.org"),
        ("dns", "*.example.org"),
        ("ip", "2001:db8::7"),
        ("ip", "192.0.2.7"),
    }
    assert order.profile == "short"


async def test_replaces_goes_only_to_a_ca_that_knows_it(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    assert (await client.new_order(signer, ["a.test"], replaces="x.y")).replaces == "x.y"
    directory = ca.directory()
    del directory["renewalInfo"]
    ca.script["/directory"].append(httpx.Response(200, json=directory))
    await client.directory(refresh=True)
    assert (await client.new_order(signer, ["b.test"], replaces="x.y")).replaces is None
    assert "replaces" not in ca.payloads[-1][1]


@pytest.mark.edge(24)
@pytest.mark.parametrize(
    "identifiers",
    [
        [],
        [{"type": "dns", "value": "example.org"}],
        [{"type": "dns", "value": "*.example.org"}, {"type": "dns", "value": "www.example.org"}],
        [{"type": "ip", "value": "*.example.org"}],
    ],
    ids=["none", "without its star", "with www added", "of another type"],
)
async def test_an_order_for_other_names_is_refused(
    ca: FakeCa, client: AcmeClient, signer: Signer, identifiers: list[dict[str, str]]
) -> None:
    ca.script["/new-order"].append(
        httpx.Response(
            201,
            json={"status": "pending", "identifiers": identifiers},
            headers={"Location": f"{BASE}/order/1"},
        )
    )
    with pytest.raises(ProtocolViolation, match="other names") as caught:
        await client.new_order(signer, ["*.example.org"])
    assert caught.value.problem is not None
    assert caught.value.problem.where == f"{BASE}/order/1"


async def test_already_replaced_is_recognisable(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script["/new-order"].append(
        problem(409, "alreadyReplaced", "done", Location=f"{BASE}/order/7")
    )
    with pytest.raises(AcmeError) as caught:
        await client.new_order(signer, ["example.org"], replaces="x.y")
    assert caught.value.problem is not None
    assert caught.value.problem.short_type == "alreadyReplaced"


async def authorize(ca: FakeCa, client: AcmeClient, signer: Signer) -> Order:
    order = await client.new_order(signer, ["www.example.org"])
    for authorization in ca.authorizations.values():
        authorization["status"] = "valid"
    return order


@pytest.mark.edge(9)
async def test_an_order_that_stays_pending_is_waited_for_and_finalized_once(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    order = await authorize(ca, client, signer)
    ca.ready_after = 4
    done = await client.finalize(signer, order, CSR)
    assert done.status == "valid"
    assert ca.count("/finalize/1") == 1


@pytest.mark.edge(9)
async def test_order_not_ready_is_asked_about(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    ca.script["/finalize/1"].append(problem(403, "orderNotReady", "wait"))
    assert (await client.finalize(signer, ready, CSR)).status == "valid"
    assert ca.count("/finalize/1") == 2


@pytest.mark.edge(10)
@pytest.mark.parametrize("processing_for", [0, 3], ids=["valid", "processing"])
async def test_a_lost_answer_to_finalize_asks_the_order_first(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order, processing_for: int
) -> None:
    ca.processing_for = processing_for
    ca.script["/finalize/1"].append(Lost())
    done = await client.finalize(signer, ready, CSR)
    assert done.status in ("processing", "valid")
    assert ca.count("/finalize/1") == 1
    assert len(ca.orders) == 1


@pytest.mark.parametrize(
    "failure", [httpx.ReadError("reset"), httpx.Response(502, html="<p>bad gateway")], ids=repr
)
async def test_a_csr_that_did_not_arrive_is_sent_again(
    ca: FakeCa,
    client: AcmeClient,
    signer: Signer,
    ready: Order,
    failure: Exception | httpx.Response,
) -> None:
    ca.script["/finalize/1"].append(failure)
    assert (await client.finalize(signer, ready, CSR)).status == "valid"
    path = ready.url.removeprefix(BASE)
    tail = [asked for _, asked in ca.requests if asked in (path, "/finalize/1")][-3:]
    assert tail == ["/finalize/1", path, "/finalize/1"]


async def test_finalizing_a_stale_copy_of_a_finished_order_is_harmless(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    first = await client.finalize(signer, ready, CSR)
    again = await client.finalize(signer, ready, CSR)
    assert first.certificate == again.certificate


async def test_finalize_gives_up_at_its_deadline(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order, clock: Clock
) -> None:
    ca.script["/finalize/1"].extend([httpx.ReadError("reset")] * 200)
    start = clock()
    with pytest.raises(CaUnreachable):
        await client.finalize(signer, ready, CSR, deadline=60)
    assert clock() - start <= 60


async def test_a_refused_csr_is_not_sent_again(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    ca.script["/finalize/1"].append(problem(400, "badCSR", "key too small"))
    with pytest.raises(AcmeError, match="key too small"):
        await client.finalize(signer, ready, CSR)
    assert ca.count("/finalize/1") == 1


async def test_a_finalize_answer_that_is_no_order_is_looked_up(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    def accept_silently(request: httpx.Request) -> httpx.Response:
        ca.answer(request)
        return httpx.Response(200)

    ca.script["/finalize/1"].append(accept_silently)
    assert (await client.finalize(signer, ready, CSR)).status == "valid"


async def test_an_invalid_order_brings_its_reason(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    ca.orders["/order/1"] |= {"status": "invalid", "error": {"type": "x:caa", "detail": "no CAA"}}
    with pytest.raises(AcmeError, match="no CAA") as caught:
        await client.poll_order(signer, ready.url, until={"valid"}, deadline=60)
    assert caught.value.problem is not None
    assert caught.value.problem.where == ready.url
    ca.orders["/order/1"]["error"] = None
    with pytest.raises(AcmeError, match="invalid and gave no reason"):
        await client.poll_order(signer, ready.url, until={"valid"}, deadline=60)


async def test_an_order_further_on_than_asked_for_is_enough(
    client: AcmeClient, signer: Signer, ready: Order
) -> None:
    await client.finalize(signer, ready, CSR)
    order = await client.poll_order(signer, ready.url, until={"ready"}, deadline=60)
    assert order.status == "valid"


async def test_an_expired_order_is_gone(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    ca.script["/order/1"].append(problem(404, "malformed", "no order for ID"))
    with pytest.raises(AcmeError) as caught:
        await client.order(signer, f"{BASE}/order/1")
    assert caught.value.problem is not None
    assert caught.value.problem.http_status == 404


async def test_an_order_answered_by_a_web_page_is_a_violation(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    ca.script["/order/1"].append(httpx.Response(200, html="<html>hello</html>"))
    with pytest.raises(ProtocolViolation, match="not readable JSON"):
        await client.order(signer, ready.url)


async def test_processing_until_tomorrow_ends_with_the_cas_wish(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order, clock: Clock
) -> None:
    def tomorrow(request: httpx.Request) -> httpx.Response:
        document: dict[str, Any] = {**ca.orders["/order/1"], "status": "processing"}
        return httpx.Response(200, json=document, headers={"Retry-After": "86400"})

    ca.script["/order/1"].extend([tomorrow] * 10)
    clock.slept.clear()
    with pytest.raises(StillProcessing) as caught:
        await client.poll_order(signer, ready.url, until={"valid"}, deadline=600)
    assert caught.value.problem is not None
    assert caught.value.problem.retry_after == 86400.0
    assert clock.slept == [300.0, 300.0]


async def test_polling_outlives_a_restart_of_the_ca(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    await client.finalize(signer, ready, CSR)
    ca.script["/order/1"].extend(
        [httpx.ConnectError("refused")] * 9 + [httpx.Response(503, html="<p>starting")] * 3
    )
    order = await client.poll_order(signer, ready.url, until={"valid"}, deadline=600)
    assert order.status == "valid"


async def test_every_state_read_is_told(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    ca.processing_for = 3
    seen: list[str] = []

    async def note(order: Order) -> None:
        seen.append(order.status)

    await client.finalize(signer, ready, CSR)
    await client.poll_order(signer, ready.url, until={"valid"}, deadline=600, on_update=note)
    assert seen == ["processing", "processing", "valid"]
