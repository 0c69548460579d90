"""The way from account to certificate, walked by a foreign client."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from acme import challenges, errors
from cryptography import x509
from cryptography.x509.oid import NameOID


def verifies(root_pem: str, chain_pem: str, directory: Path, name: str) -> bool:
    """Whether OpenSSL accepts the chain for that name under that root."""
    leaf, _, rest = chain_pem.partition("-----END CERTIFICATE-----\n")
    (directory / "root.pem").write_text(root_pem)
    (directory / "leaf.pem").write_text(leaf + "-----END CERTIFICATE-----\n")
    (directory / "rest.pem").write_text(rest)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"]
    command += ["-verify_hostname", name]
    command += ["-CAfile", "root.pem", "-untrusted", "rest.pem", "leaf.pem"]
    return subprocess.run(command, cwd=directory, capture_output=True).returncode == 0


async def test_two_names_and_a_wildcard_by_dns(sandbox: Any, customer: Any, tmp_path: Path) -> None:
    # given a base name, its wildcard and a name of the other zone, all answered by dns-01
    names = ["kmtui.test", "*.kmtui.test", "www.shop.test"]
    order = await asyncio.to_thread(customer.order, *names)
    await asyncio.to_thread(customer.publish, order)

    # when the challenges are answered and the order is finalized
    await asyncio.to_thread(customer.answer, order)
    order = await asyncio.to_thread(customer.finish, order)

    # then the chain holds for these names, under the root and, by the other chain, the other root
    leaf = x509.load_pem_x509_certificate(order.fullchain_pem.encode())
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(alternatives.get_values_for_type(x509.DNSName)) == set(names)
    assert leaf.public_key() == customer.certificate_key.public_key()
    [other] = order.alternative_fullchains_pem
    assert verifies(sandbox.root_pem, order.fullchain_pem, tmp_path, "any.kmtui.test")
    assert verifies(sandbox.other_root_pem, other, tmp_path, "www.shop.test")
    assert not verifies(sandbox.root_pem, other, tmp_path, "www.shop.test")


async def test_http_challenge_is_fetched_as_the_name(
    sandbox: Any, customer: Any, serve: Any
) -> None:
    order = await asyncio.to_thread(customer.order, "www.kmtui.test")
    [(_, body)] = customer.choose(order, challenges.HTTP01)

    with serve(sandbox.http_port, {body.path: body.validation(customer.key)}) as hosts:
        await asyncio.to_thread(customer.answer, order, challenges.HTTP01)
        order = await asyncio.to_thread(customer.finish, order)

    assert order.fullchain_pem.count("BEGIN CERTIFICATE") == 2
    assert hosts == ["www.kmtui.test"]


async def test_profiles_decide_the_lifetime(customer: Any) -> None:
    lifetimes = []
    for profile in (None, "shortlived", "buypass"):
        leaf = await asyncio.to_thread(customer.obtain, "kmtui.test", profile=profile)
        lifetimes.append((leaf.not_valid_after_utc - leaf.not_valid_before_utc).days)

    assert lifetimes == [90, 6, 180]


async def test_it_says_that_it_is_not_to_be_trusted(sandbox: Any) -> None:
    root = x509.load_pem_x509_certificate(sandbox.root_pem.encode())

    [name] = root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "kmtui sandbox, not trusted"


async def test_a_name_may_be_as_long_as_names_get(customer: Any) -> None:
    # given a name that leaves no room for _acme-challenge before it
    name = ".".join(["a" * 60] * 4)[: 253 - len(".kmtui.test")].rstrip(".") + ".kmtui.test"
    order = await asyncio.to_thread(customer.order, name)

    # when its dns-01 challenge is answered
    await asyncio.to_thread(customer.answer, order)

    # then the validation ends, with the reason
    with pytest.raises(errors.ValidationError) as caught:
        await asyncio.to_thread(customer.finish, order)
    [failed] = caught.value.failed_authzrs
    assert "NameTooLong" in failed.body.challenges[0].error.detail


async def test_a_replaced_certificate_is_noted_in_the_order(customer: Any) -> None:
    url = customer.client.directory["newOrder"]
    identifiers = [{"type": "dns", "value": "KMTUI.test"}]

    answer = await asyncio.to_thread(
        customer.post, url, {"identifiers": identifiers, "replaces": "aki.serial"}
    )

    assert answer.status_code == 201
    assert answer.json()["replaces"] == "aki.serial"
    assert answer.json()["identifiers"] == [{"type": "dns", "value": "kmtui.test"}]
