"""A CA that moves, retires what it offered, or says less than others."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from kmtui.core.acme import AcmeClient, Signer
from kmtui.core.errors import AcmeError
from kmtui.model import RequestStatus
from tests.core.acme.fake_ca import BASE, FakeCa, problem
from tests.core.acme.test_orders import CSR
from tests.torture.edge_cases.conftest import Desk


def moved(ca: FakeCa, service: str, path: str) -> None:
    """From the next time it is read, the directory has the service at another path."""
    document = {**ca.directory(), service: f"{BASE}{path}"}
    ca.script["/directory"].append(httpx.Response(200, json=document))


@pytest.mark.edge(23)
@pytest.mark.parametrize("status", [404, 405, 410])
async def test_edge_23_a_service_that_moved_is_found_by_reading_the_directory_again(
    ca: FakeCa, client: AcmeClient, signer: Signer, status: int
) -> None:
    moved(ca, "newOrder", "/orders/new")
    ca.script["/new-order"].append(problem(status, "malformed", "nothing here"))
    there = {"status": "pending", "identifiers": [{"type": "dns", "value": "example.org"}]}
    location = {"Location": f"{BASE}/order/1"}
    ca.script["/orders/new"].append(httpx.Response(201, json=there, headers=location))

    assert (await client.new_order(signer, ["example.org"])).url == f"{BASE}/order/1"
    assert ca.count("/directory") == 2


@pytest.mark.edge(23)
async def test_edge_23_nonces_that_moved_are_found_too(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.give_nonces = False
    await client.account(signer)
    moved(ca, "newNonce", "/nonces/new")
    ca.script["/new-nonce"].append(httpx.Response(404))
    ca.script["/nonces/new"].append(httpx.Response(204, headers={"Replay-Nonce": ca.fresh_nonce()}))

    assert (await client.account(signer)).status == "valid"


@pytest.mark.edge(23)
@pytest.mark.parametrize("lost", [True, False], ids=["the directory too", "at the same place"])
async def test_edge_23_what_is_gone_for_good_is_asked_for_once(
    ca: FakeCa, client: AcmeClient, signer: Signer, lost: bool
) -> None:
    if lost:
        ca.script["/directory"].extend([httpx.Response(404)] * 9)
    ca.script["/new-order"].append(problem(404, "malformed", "nothing here"))

    with pytest.raises(AcmeError, match="nothing here"):
        await client.new_order(signer, ["example.org"])
    assert ca.count("/new-order") == 1


@pytest.mark.edge(23)
@pytest.mark.parametrize("at", ["/new-order", "/finalize/1"])
async def test_edge_23_a_retired_profile_is_told_with_those_on_offer_now(
    ca: FakeCa, client: AcmeClient, signer: Signer, at: str
) -> None:
    async def issue() -> None:
        order = await client.new_order(signer, ["www.example.org"], profile="tlsclient")
        ca.orders["/order/1"]["status"] = "ready"
        await client.finalize(signer, order, CSR)

    ca.meta = {"profiles": {"classic": "", "shortlived": ""}}
    ca.script[at].append(problem(400, "invalidProfile", "tlsclient is not offered any more"))

    with pytest.raises(AcmeError, match="tlsclient") as caught:
        await issue()

    assert "the CA offers classic, shortlived" in caught.value.hint
    assert caught.value.problem is not None
    assert caught.value.problem.hint == caught.value.hint


class SparseCa(FakeCa):
    """Leaves out whatever some CA leaves out, and says null where another does."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        response = super().answer(request)
        path = request.url.path
        if path.startswith(("/order/", "/finalize/", "/authz/", "/acct/", "/new-order")):
            document = json.loads(response.content)
            response = httpx.Response(
                response.status_code,
                json=sparse(document),
                headers={
                    name: response.headers[name]
                    for name in ("Location",)
                    if name in response.headers
                },
            )
        elif path == "/new-account":
            location = {"Location": response.headers["Location"]}
            response = httpx.Response(response.status_code, headers=location)
        return response

    def directory(self) -> dict[str, Any]:
        return {**super().directory(), "meta": None}


def sparse(document: dict[str, Any]) -> dict[str, Any]:
    thin = {**document, "error": None, "expires": None}
    if document.get("status") == "valid":
        thin.pop("authorizations", None)
    if "contact" in document:
        thin["contact"] = [None]
    if document.get("status") == "pending" and "challenges" in document:
        thin["challenges"] = [
            {name: value for name, value in each.items() if name != "status"}
            for each in document["challenges"]
        ]
    return thin


@pytest.mark.edge(25)
class TestMissingFields:
    """Nothing that RFC 8555 lets a CA leave out, and little that it does not, is missed."""

    @pytest.fixture
    def ca(self) -> FakeCa:
        return SparseCa()

    async def test_edge_25_a_ca_that_says_little_is_enough(self, desk: Desk) -> None:
        request = await desk.obtain("a.example.org", "b.example.org")

        assert request.status == RequestStatus.AVAILABLE, request.problem
