"""The same client against a real CA that rejects half of all nonces and varies its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core.acme import AcmeClient, Chain, ExternalAccount, Pace, Signer
from kmtui.core.errors import AcmeError
from tests.core.acme.fake_ca import csr
from tests.servers.pebble import Pebble

HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@pytest.fixture(scope="module")
def sick(pebble_factory: Callable[..., Pebble]) -> Pebble:
    return pebble_factory(
        nonce_reject=50,
        retry_after=(1, 1),
        alternate_roots=2,
        always_valid=True,
        eab_keys={"eab-1": HMAC},
    )


def connect(pebble: Pebble) -> AcmeClient:
    pace = Pace(shortest=0.1, longest=0.2)
    return AcmeClient(pebble.directory_url, ca_bundle=pebble.ca_bundle_pem, pace=pace)


async def issue(client: AcmeClient, signer: Signer, name: str) -> Chain:
    order = await client.new_order(signer, [name, f"*.{name}"], profile="default")
    for url in order.authorizations:
        challenge = (await client.authorization(signer, url)).challenge("dns-01")
        assert challenge is not None
        await client.answer(signer, challenge.url)
        await client.poll_authorization(signer, url, deadline=30)
    key = ec.generate_private_key(ec.SECP256R1())
    order = await client.finalize(signer, order, csr(key, name, f"*.{name}"), deadline=30)
    order = await client.poll_order(signer, order.url, until={"valid"}, deadline=30)
    assert order.certificate is not None
    chain = await client.certificate(signer, order.certificate)
    assert chain.certificates[0].public_key() == key.public_key()
    return chain


@pytest.mark.edge(1)
async def test_certificates_in_parallel_with_alternates_and_revocation(sick: Pebble) -> None:
    account_key = ec.generate_private_key(ec.SECP256R1())
    async with connect(sick) as client:
        account = await client.new_account(
            account_key,
            contact=["mailto:ops@example.org"],
            terms_agreed=True,
            eab=ExternalAccount("eab-1", HMAC),
        )
        assert account.created
        assert (await client.find_account(account_key)).url == account.url
        signer = Signer(account_key, account.url)

        chains = await asyncio.gather(
            *(issue(client, signer, f"n{number}.example.org") for number in range(4))
        )
        assert len(chains[0].alternate_urls) == 2
        other = await client.certificate(signer, chains[0].alternate_urls[1])
        assert other.certificates[0] == chains[0].certificates[0]
        assert x509.load_pem_x509_certificates(other.pem.encode()) == list(other.certificates)

        leaf = chains[0].certificates[0]
        await client.revoke(signer, leaf.public_bytes(Encoding.DER), 4)
        await client.revoke(signer, leaf.public_bytes(Encoding.DER), 4)
        assert sick.certificate_status(leaf.serial_number)["Status"] == "Revoked"

        assert (await client.deactivate_account(signer)).status == "deactivated"
        with pytest.raises(AcmeError):
            await client.new_order(signer, ["late.example.org"])


async def test_an_unknown_key_and_a_missing_binding_are_named(sick: Pebble) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    async with connect(sick) as client:
        assert (await client.directory()).meta.external_account_required
        with pytest.raises(AcmeError) as caught:
            await client.find_account(key)
        assert caught.value.problem is not None
        assert caught.value.problem.short_type == "accountDoesNotExist"
        with pytest.raises(AcmeError, match="EAB"):
            await client.new_account(key, contact=[], terms_agreed=True)


@pytest.mark.edge(29)
async def test_an_account_changes_its_key_and_keeps_its_url(sick: Pebble) -> None:
    old_key = ec.generate_private_key(ec.SECP256R1())
    new_key = ec.generate_private_key(ec.SECP384R1())
    eab = ExternalAccount("eab-1", HMAC)
    async with connect(sick) as client:
        account = await client.new_account(old_key, contact=[], terms_agreed=True, eab=eab)
        signer = await client.roll_key(Signer(old_key, account.url), new_key)
        assert (await client.account(signer)).status == "valid"
        assert await client.key_in_force(account.url, old_key, new_key) is new_key
