"""The acme package's own client gets the same certificate from the same CA."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import dns.name
import dns.query
import dns.tsigkeyring
import dns.update
import josepy
import pytest
import requests
from acme import challenges, client, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.model import RequestSpec, RequestStatus
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble

NAMES = ("oracle.kmtui.test", "*.oracle.kmtui.test")


@pytest.fixture(scope="module")
def ca(bind: Bind, pebble_factory: Callable[..., Pebble]) -> Pebble:
    return pebble_factory(dns_server=bind.server)


def by_the_acme_package(ca: Pebble, bind: Bind, directory: Path) -> list[x509.Certificate]:
    """Issue with ClientV2, publishing TXT records by hand."""
    bundle = directory / "ca.pem"
    bundle.write_text(ca.ca_bundle_pem)
    account_key = josepy.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
    net = client.ClientNetwork(account_key, alg=josepy.ES256, verify_ssl=str(bundle))
    assert isinstance(net.session, requests.Session)
    acme = client.ClientV2(client.ClientV2.get_directory(ca.directory_url, net), net)
    acme.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
    order = acme.new_order(
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, NAMES)), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), keys.hashes.SHA256())
        .public_bytes(keys.Encoding.PEM),
        profile="default",
    )
    for authorization in order.authorizations:
        (challenge,) = (
            c for c in authorization.body.challenges if isinstance(c.chall, challenges.DNS01)
        )
        name = f"_acme-challenge.{authorization.body.identifier.value}"
        publish(bind, name, challenge.chall.validation(account_key))
        acme.answer_challenge(challenge, challenge.chall.response(account_key))
    return x509.load_pem_x509_certificates(acme.poll_and_finalize(order).fullchain_pem.encode())


def publish(bind: Bind, name: str, value: str) -> None:
    change = dns.update.UpdateMessage(
        "kmtui.test",
        keyring=dns.tsigkeyring.from_text({bind.tsig.name: bind.tsig.secret}),
        keyalgorithm=dns.name.from_text(bind.tsig.algorithm),
    )
    change.add(dns.name.from_text(name), 60, "TXT", value)
    dns.query.tcp(change, "127.0.0.1", port=bind.port, timeout=5)


async def by_kmtui(ca: Pebble, bind: Bind, directory: Path) -> tuple[list[x509.Certificate], bytes]:
    """Issue with the core; the chain and the private key."""
    core = await Core.open(directory / "data", actor="tester@here")
    try:
        await core.access.initialise_with_key_file(directory / "key")
        await core.cas.add("pebble", directory_url=ca.directory_url, ca_bundle=ca.ca_bundle_pem)
        await core.accounts.register("main", ca="pebble", agree_tos=True)
        await core.dns_accounts.add(
            "lab",
            provider="rfc2136",
            settings={
                "server": bind.server,
                "tsig_name": bind.tsig.name,
                "tsig_algorithm": bind.tsig.algorithm,
                "resolvers": bind.server,
            },
            secrets={"tsig_secret": bind.tsig.secret},
            zones=[],
        )
        await core.mappings.add(".kmtui.test", dns="lab")
        request = await core.requests.create(
            RequestSpec(names=NAMES, account="main", profile="default")
        )
        request = await core.requests.wait(request.id, seconds=60)
        assert request.status == RequestStatus.AVAILABLE, request.problem
        version = await core.certificates.version(request.certificate_id or "", 1)
        chain = x509.load_pem_x509_certificates(version.chain_pem.encode())
        return chain, await core.certificates.private_key_pem(version)
    finally:
        await core.close()


def facts(chain: list[x509.Certificate]) -> dict[str, object]:
    """What an operator would notice."""
    leaf = chain[0]
    extensions = leaf.extensions
    names = extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    return {
        "names": sorted(names.get_values_for_type(x509.DNSName)),
        "subject": leaf.subject.rfc4514_string(),
        "issuers": [certificate.issuer for certificate in chain],
        "days": (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days,
        "key": keys.key_type_of(leaf.public_key()),
        "extensions": sorted(extension.oid.dotted_string for extension in extensions),
        "usage": extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value,
        "purposes": extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value,
    }


async def test_both_clients_get_certificates_that_differ_in_nothing_one_would_notice(
    ca: Pebble, bind: Bind, tmp_path: Path
) -> None:
    ours, key = await by_kmtui(ca, bind, tmp_path)
    theirs = await asyncio.to_thread(by_the_acme_package, ca, bind, tmp_path)

    assert facts(ours) == facts(theirs)
    assert keys.spki_sha256(keys.load_private_key(key)) == keys.spki_sha256(ours[0].public_key())
    assert ssl.PEM_cert_to_DER_cert(ca.root_pem())
