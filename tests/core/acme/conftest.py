"""A fake CA, a clock that stands still, and a client that uses both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings

from kmtui.core.acme import AcmeClient, Order, Pace, Signer
from tests.core.acme.fake_ca import DIRECTORY, Clock, FakeCa

# A busy machine makes no behaviour wrong.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def ca() -> FakeCa:
    return FakeCa()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(ca: FakeCa, clock: Clock) -> AsyncIterator[AcmeClient]:
    pace = Pace(jitter=lambda: 0.0)
    async with AcmeClient(
        DIRECTORY, http=ca.transport, sleep=clock.sleep, clock=clock, pace=pace
    ) as client:
        yield client


@pytest.fixture
async def signer(client: AcmeClient, key: ec.EllipticCurvePrivateKey) -> Signer:
    account = await client.new_account(key, contact=[], terms_agreed=True)
    return Signer(key, account.url)


@pytest.fixture
async def ready(client: AcmeClient, signer: Signer) -> Order:
    """An order for www.example.org that is ready to be finalized."""
    order = await client.new_order(signer, ["www.example.org"])
    authorization = await client.authorization(signer, order.authorizations[0])
    challenge = authorization.challenge("http-01")
    assert challenge is not None
    await client.answer(signer, challenge.url)
    return await client.poll_order(signer, order.url, until={"ready"}, deadline=60)
