"""Challenges: side by side, unknown, and failed in ways a CA does not admit."""

from __future__ import annotations

import asyncio

import dns.asyncquery
import dns.tsig
import dns.tsigkeyring
import dns.update
import httpx
import pytest

from kmtui.model import RequestSpec, RequestStatus
from tests.core.conftest import Bench
from tests.core.test_issuance import txt_values
from tests.torture.edge_cases.conftest import Desk

FOREIGN = '"somebody-elses-value"'


@pytest.mark.edge(15)
async def test_edge_15_base_and_wildcard_stand_side_by_side_and_leave_no_trace(
    bench: Bench,
) -> None:
    await add_txt(bench, "_acme-challenge.api.kmtui.test.", FOREIGN)
    bench.sandbox.lag = 60.0
    spec = RequestSpec(names=("api.kmtui.test", "*.api.kmtui.test"), account="practice")
    request = await bench.core.requests.create(spec)

    async with asyncio.timeout(20):
        while len(await txt_values(bench)) < 3:  # noqa: ASYNC110 - the name server has no event
            await asyncio.sleep(0.02)
    bench.sandbox.lag = 0.0

    done = await bench.core.requests.wait(request.id, seconds=30)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert await txt_values(bench) == [FOREIGN]


async def add_txt(bench: Bench, name: str, value: str) -> None:
    """Publish a value that is none of ours."""
    sandbox = bench.sandbox
    keyring = dns.tsigkeyring.from_text({sandbox.tsig_name: sandbox.tsig_secret})
    algorithm = dns.tsig.HMAC_SHA256
    update = dns.update.UpdateMessage("kmtui.test", keyring=keyring, keyalgorithm=algorithm)
    update.add(name, 60, "TXT", value)
    host, _, port = sandbox.dns_server.rpartition(":")
    reply = await dns.asyncquery.udp(update, host, port=int(port), timeout=3)
    assert reply.rcode() == 0, reply


@pytest.mark.edge(16)
async def test_edge_16_a_name_with_no_challenge_we_know_says_what_is_offered(desk: Desk) -> None:
    def place(request: httpx.Request) -> httpx.Response:
        made = desk.ca.answer(request)
        challenges = desk.ca.authorizations["/authz/1-0"]["challenges"]
        challenges[:] = [{"type": "dns-future-99", "url": "https://ca.test/c"}, {"type": "odd-01"}]
        return made

    desk.ca.script["/new-order"].append(place)

    request = await desk.obtain("www.example.org")

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert "it offers dns-future-99, odd-01" in request.problem.what


@pytest.mark.edge(17)
@pytest.mark.parametrize("refuses", [False, True], ids=["deactivates", "refuses"])
async def test_edge_17_a_failure_the_ca_keeps_pending_ends_with_its_reason(
    desk: Desk, refuses: bool
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        challenge = desk.ca.authorizations["/authz/1-0"]["challenges"][0]
        challenge["error"] = {"type": "x:connection", "detail": "connection refused"}
        return httpx.Response(200, json=challenge)

    desk.ca.script["/chall/1-0/http-01"].append(fail)
    desk.ca.deactivates = not refuses

    request = await desk.obtain("www.example.org")

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert "connection refused" in request.problem.what + request.problem.detail
    assert ("/authz/1-0", {"status": "deactivated"}) in desk.ca.payloads
    assert desk.published() == []
