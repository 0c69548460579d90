"""From account to certificate and its revocation, against the fake CA."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core.acme import AcmeClient, Order, Pace, Signer, key_authorization
from kmtui.core.errors import AcmeError
from tests.core.acme.fake_ca import DIRECTORY, Clock, FakeCa, csr

NAMES = ["example.org", "*.example.org", "Www.Example.org"]


async def test_a_certificate_comes_about(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    ca.ready_after, ca.processing_for = 1, 2
    order = await client.new_order(signer, NAMES)
    authorizations = [await client.authorization(signer, url) for url in order.authorizations]
    assert {each.name for each in authorizations} == {name.lower() for name in NAMES}
    for authorization in authorizations:
        challenge = authorization.challenge("dns-01")
        assert challenge is not None
        assert key_authorization(challenge.token, signer.key).startswith("token-1-")
        await client.answer(signer, challenge.url)
        done = await client.poll_authorization(signer, authorization.url, deadline=60)
        assert done.status == "valid"

    certificate_key = ec.generate_private_key(ec.SECP256R1())
    order = await client.finalize(signer, order, csr(certificate_key, *NAMES))
    order = await client.poll_order(signer, order.url, until={"valid"}, deadline=60)
    assert order.certificate is not None
    chain = await client.certificate(signer, order.certificate)

    assert chain.certificates[0].public_key() == certificate_key.public_key()
    assert chain.certificates[1] == ca.root
    assert chain.pem.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(rsa.generate_private_key(65537, 2048), id="RS256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="ES384"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()), id="ES512"),
    ],
)
async def test_every_kind_of_key_is_understood(
    ca: FakeCa, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    async with AcmeClient(DIRECTORY, http=ca.transport) as client:
        account = await client.new_account(key, contact=[], terms_agreed=True)
        assert (await client.account(Signer(key, account.url))).status == "valid"


@pytest.mark.edge(1)
async def test_many_tasks_share_a_client_under_a_nonce_storm(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.nonce_rejection = 0.5
    orders = await asyncio.gather(
        *(client.new_order(signer, [f"{n}.example.org"]) for n in range(20))
    )
    assert len({order.url for order in orders}) == 20
    assert len(ca.orders) == 20


async def test_requests_tell_who_asks(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    for headers in ca.headers:
        assert headers["user-agent"].startswith("kmtui/")
        assert "python-httpx/" in headers["user-agent"]
        assert headers["accept-language"]


async def issued(
    client: AcmeClient, signer: Signer, order: Order
) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    order = await client.finalize(signer, order, csr(key, "www.example.org"))
    assert order.certificate is not None
    chain = await client.certificate(signer, order.certificate)
    return chain.certificates[0].public_bytes(Encoding.DER), key


async def test_revoking_by_the_account_is_idempotent(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    der, _ = await issued(client, signer, ready)
    await client.revoke(signer, der, 4)
    await client.revoke(signer, der, 4)
    assert ca.revoked == {der: 4}


async def test_revoking_by_the_certificates_own_key(
    ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order
) -> None:
    der, key = await issued(client, signer, ready)
    await client.revoke_with_certificate_key(key, der)
    assert ca.revoked == {der: None}


async def test_a_service_the_ca_lacks_is_named(
    ca: FakeCa, clock: Clock, key: ec.EllipticCurvePrivateKey
) -> None:
    directory = ca.directory()
    del directory["revokeCert"]
    ca.directory = lambda: directory  # type: ignore[method-assign]
    async with AcmeClient(DIRECTORY, http=ca.transport, pace=Pace()) as client:
        with pytest.raises(AcmeError, match="does not offer revocation"):
            await client.revoke_with_certificate_key(key, b"der")
