"""Accounts and revocation at the practice CA, and what a kept sandbox remembers."""

from __future__ import annotations

import asyncio
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import josepy
import pytest
from acme import client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kmtui.core.errors import Refused
from kmtui.core.sandbox.sandbox import Sandbox
from kmtui.model import KeyType


async def test_contacts_change_and_deactivation_is_final(customer: Any) -> None:
    changed = messages.Registration.from_data(email="new@example.org")
    account = await asyncio.to_thread(
        customer.client.update_registration, customer.account, changed
    )
    assert account.body.emails == ("new@example.org",)

    account = await asyncio.to_thread(customer.client.deactivate_registration, account)

    assert account.body.status == "deactivated"
    with pytest.raises(messages.Error, match="deactivated"):
        await asyncio.to_thread(customer.order, "kmtui.test")


async def test_a_key_finds_its_account_and_creates_none(
    sandbox: Any, customer: Any, make_customer: Any
) -> None:
    stranger = await asyncio.to_thread(make_customer, sandbox, register=False)
    with pytest.raises(messages.Error, match="accountDoesNotExist"):
        await asyncio.to_thread(stranger.register, only_return_existing=True)

    customer.net.account = None
    with pytest.raises(errors.ConflictError) as found:  # how this client reports "200, exists"
        await asyncio.to_thread(customer.register, only_return_existing=True)

    assert found.value.location == customer.account.uri


@pytest.mark.parametrize(
    ("contact", "code"),
    [("tel:+4712345678", "unsupportedContact"), ("mailto:nobody", "invalidContact")],
)
async def test_contacts_are_mail_addresses(
    sandbox: Any, make_customer: Any, contact: str, code: str
) -> None:
    customer = await asyncio.to_thread(make_customer, sandbox, register=False)

    with pytest.raises(messages.Error, match=code):
        await asyncio.to_thread(customer.register, email=None, contact=(contact,))


async def test_nobody_sees_the_orders_of_another(
    sandbox: Any, customer: Any, make_customer: Any
) -> None:
    order = await asyncio.to_thread(customer.order, "kmtui.test")
    other = await asyncio.to_thread(make_customer, sandbox)

    with pytest.raises(messages.Error, match="another account"):
        await asyncio.to_thread(other.client._post_as_get, order.uri)


async def test_the_account_revokes_once(customer: Any) -> None:
    certificate = await asyncio.to_thread(customer.obtain, "kmtui.test")

    with pytest.raises(messages.Error, match="badRevocationReason"):
        await asyncio.to_thread(customer.client.revoke, certificate, 2)
    await asyncio.to_thread(customer.client.revoke, certificate, 4)

    with pytest.raises(messages.Error, match="alreadyRevoked"):
        await asyncio.to_thread(customer.client.revoke, certificate, 4)


async def test_the_key_of_the_certificate_revokes_too(
    sandbox: Any, customer: Any, make_customer: Any
) -> None:
    certificate = await asyncio.to_thread(customer.obtain, "kmtui.test")
    stranger = await asyncio.to_thread(make_customer, sandbox)
    with pytest.raises(messages.Error, match="unauthorized"):
        await asyncio.to_thread(stranger.client.revoke, certificate, 0)

    key = josepy.JWKEC(key=customer.certificate_key)
    holder = client.ClientV2(customer.client.directory, client.ClientNetwork(key, alg=josepy.ES256))
    await asyncio.to_thread(holder.revoke, certificate, 1)

    with pytest.raises(messages.Error, match="alreadyRevoked"):
        await asyncio.to_thread(customer.client.revoke, certificate, 1)


async def test_samples_have_any_date_and_belong_to_an_account(sandbox: Any, customer: Any) -> None:
    start = datetime(2024, 3, 1, 12, tzinfo=UTC)

    chain, key = await sandbox.issue_sample(
        ["old.kmtui.test", "*.old.kmtui.test"],
        start,
        90,
        KeyType.RSA2048,
        account_url=customer.account.uri,
    )

    certificate, intermediate = x509.load_pem_x509_certificates(chain.encode())
    certificate.verify_directly_issued_by(intermediate)
    assert certificate.not_valid_before_utc == start
    assert certificate.not_valid_after_utc == start + timedelta(days=90)
    private = load_pem_private_key(key.encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.public_key() == certificate.public_key()
    await asyncio.to_thread(customer.client.revoke, certificate, 0)


async def test_a_kept_sandbox_goes_on(tmp_path: Path, make_customer: Any) -> None:
    # given a sandbox that issued a certificate and stopped
    home = tmp_path / "kept"
    async with Sandbox(pace=0, lag=0, state_dir=home) as first:
        customer = await asyncio.to_thread(make_customer, first)
        certificate = await asyncio.to_thread(customer.obtain, "kmtui.test")
        before = (first.directory_url, first.dns_resolvers, first.http_port, first.tsig_secret)
        root = first.root_pem

        # then nobody else can read what it keeps, or run on it meanwhile
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert {stat.S_IMODE(os.stat(path).st_mode) for path in home.iterdir()} == {0o600}
        with pytest.raises(Refused, match="cannot listen"):
            async with Sandbox(state_dir=home):
                pass

    # when it is started again
    async with Sandbox(pace=0, lag=0, state_dir=home) as second:
        after = (second.directory_url, second.dns_resolvers, second.http_port, second.tsig_secret)

        # then it is the same CA with the same accounts
        assert (after, second.root_pem) == (before, root)
        await asyncio.to_thread(customer.client.revoke, certificate, 0)
        assert await asyncio.to_thread(customer.obtain, "www.shop.test")
