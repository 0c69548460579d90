"""How much a CA is asked at a time."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.acme import AcmeClient, Signer
from kmtui.core.acme.gates import Limits
from tests.core.acme.fake_ca import DIRECTORY, FakeCa

LIMITS = Limits(in_flight=4, new_orders=2)


class Slow(httpx.AsyncBaseTransport):
    """A CA that takes its time, and counts what it is asked at once."""

    def __init__(self, ca: FakeCa) -> None:
        self._ca = ca
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for kind in ("any", request.url.path):
            self._now[kind] += 1
            self.most[kind] = max(self.most[kind], self._now[kind])
        await asyncio.sleep(0.002)
        try:
            return await self._ca.transport.handle_async_request(request)
        finally:
            for kind in ("any", request.url.path):
                self._now[kind] -= 1


@pytest.fixture
def slow(ca: FakeCa) -> Slow:
    return Slow(ca)


async def signed(slow: Slow, key: ec.EllipticCurvePrivateKey) -> tuple[AcmeClient, Signer]:
    client = AcmeClient(DIRECTORY, http=slow, limits=LIMITS)
    account = await client.new_account(key, contact=[], terms_agreed=True)
    return client, Signer(key, account.url)


async def test_never_more_than_the_limits_are_under_way(
    ca: FakeCa, slow: Slow, key: ec.EllipticCurvePrivateKey
) -> None:
    client, signer = await signed(slow, key)

    async def order(number: int) -> None:
        placed = await client.new_order(signer, [f"{number}.example.org"])
        await asyncio.gather(*(client.order(signer, placed.url) for _ in range(3)))

    await asyncio.gather(*(order(number) for number in range(20)))

    assert slow.most["any"] == LIMITS.in_flight
    assert slow.most["/new-order"] == LIMITS.new_orders
    assert len(ca.orders) == 20


async def test_what_waits_takes_no_nonce(
    ca: FakeCa, slow: Slow, key: ec.EllipticCurvePrivateKey
) -> None:
    client, signer = await signed(slow, key)

    await asyncio.gather(*(client.account(signer) for _ in range(50)))

    assert ca.count("/new-nonce") <= LIMITS.in_flight


async def test_first_come_first_served(
    ca: FakeCa, slow: Slow, key: ec.EllipticCurvePrivateKey
) -> None:
    client, signer = await signed(slow, key)
    ended: list[int] = []

    async def order(number: int) -> None:
        await client.new_order(signer, [f"{number}.example.org"])
        ended.append(number)

    await asyncio.gather(*(order(number) for number in range(12)))

    assert [number // LIMITS.new_orders for number in ended] == [n // 2 for n in range(12)]


async def test_one_that_fails_leaves_its_place(
    ca: FakeCa, slow: Slow, key: ec.EllipticCurvePrivateKey
) -> None:
    client, signer = await signed(slow, key)
    waiting = [asyncio.create_task(client.account(signer)) for _ in range(10)]
    await asyncio.sleep(0.001)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    async with asyncio.timeout(5):
        await client.account(signer)
