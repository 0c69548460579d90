"""Chains as CAs send them: normalised, ordered, and nothing but certificates."""

from __future__ import annotations

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core.acme import AcmeClient, Order, Signer
from kmtui.core.acme.chain import parse_chain
from kmtui.core.errors import ProtocolViolation
from tests.core.acme.fake_ca import BASE, FakeCa, certificate, csr, pem

URL = "https://ca.test/cert/1"
ROOT_KEY, ISSUER_KEY, LEAF_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
ROOT = certificate("Root", ROOT_KEY, "Root", ROOT_KEY, ca=True)
ISSUER = certificate("Issuer", ISSUER_KEY, "Root", ROOT_KEY, ca=True)
LEAF = certificate("leaf", LEAF_KEY, "Issuer", ISSUER_KEY, names=["example.org"])
WHOLE = pem(LEAF) + pem(ISSUER) + pem(ROOT)
KEY = LEAF_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.edge(30)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WHOLE, id="as it should be"),
        pytest.param(WHOLE.rstrip(b"\n"), id="no final newline"),
        pytest.param(WHOLE.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(WHOLE.replace(b"-----END", b"\n\n-----END"), id="blank lines"),
        pytest.param(
            b"Subject: x\xff\n" + pem(LEAF) + b"\n--\n" + pem(ISSUER) + pem(ROOT), id="text"
        ),
        pytest.param(pem(LEAF) + WHOLE, id="leaf twice"),
        pytest.param(pem(ROOT) + pem(ISSUER) + pem(LEAF), id="root first"),
        pytest.param(pem(ISSUER) + pem(LEAF) + pem(ROOT), id="leaf in the middle"),
    ],
)
def test_a_chain_is_normalised(body: bytes) -> None:
    chain = parse_chain(body, where=URL)
    assert chain.certificates == (LEAF, ISSUER, ROOT)
    assert chain.pem.encode() == WHOLE


def test_a_single_certificate_is_a_chain() -> None:
    assert parse_chain(pem(LEAF), where=URL).certificates == (LEAF,)
    assert parse_chain(pem(ROOT), where=URL).certificates == (ROOT,)


@pytest.mark.edge(30)
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "no certificate"),
        (b"<html>not here</html>", "no certificate"),
        (WHOLE + KEY, "PRIVATE KEY block"),
        (KEY + WHOLE, "PRIVATE KEY block"),
        (WHOLE.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE"), "TRUSTED CERTIFICATE block"),
        (WHOLE[:-20], "breaks off"),
        (WHOLE.replace(b"-----BEGIN CERTIFICATE-----", b"", 1), "do not pair"),
        (WHOLE.replace(b"-----END CERTIFICATE-----", b"", 1), "do not pair"),
        (b"-----BEGIN CERTIFICATE-----\n$$$$\n-----END CERTIFICATE-----", "not base64"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot be read"),
        (pem(ISSUER) + pem(ROOT), "does not begin with"),
        (pem(ROOT) + pem(LEAF), "does not begin with"),
        (WHOLE * 4, "more than 10"),
        (b"x" * 300_000, "larger than"),
    ],
)
def test_a_chain_that_must_not_be_used_is_refused(body: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolViolation, match=complaint):
        parse_chain(body, where=URL)


@given(st.lists(st.sampled_from([pem(LEAF), pem(ROOT), KEY, WHOLE[:200], WHOLE[-90:], b"\0\xff"])))
def test_no_chain_is_worse_than_refused(parts: list[bytes]) -> None:
    try:
        chain = parse_chain(b"".join(parts), where=URL)
    except ProtocolViolation:
        return
    assert "PRIVATE" not in chain.pem
    assert x509.load_pem_x509_certificates(chain.pem.encode()) == list(chain.certificates)


@pytest.fixture
async def url(ca: FakeCa, client: AcmeClient, signer: Signer, ready: Order) -> str:
    """URL of an issued certificate."""
    order = await client.finalize(signer, ready, csr(LEAF_KEY, "www.example.org"))
    assert order.certificate is not None
    return order.certificate


@pytest.mark.edge(30)
@pytest.mark.parametrize(
    "links",
    [
        [f'<{BASE}/cert/1/1>;rel="alternate"', f'<{BASE}/cert/1/2>;rel="alternate"'],
        [f"<{BASE}/cert/1/1>;rel=alternate, <{BASE}/cert/1/2>;rel=alternate, <x>;rel=up"],
    ],
    ids=["two headers", "one header"],
)
async def test_alternate_chains_are_listed_and_fetched_when_asked_for(
    ca: FakeCa, client: AcmeClient, signer: Signer, url: str, links: list[str]
) -> None:
    ca.chain_links = [("Link", f'<{BASE}/directory>;rel="index"'), *(("Link", x) for x in links)]
    ca.chains["/cert/1/2"] = WHOLE
    chain = await client.certificate(signer, url)
    assert chain.alternate_urls == (f"{BASE}/cert/1/1", f"{BASE}/cert/1/2")
    assert ca.count("/cert/1/1") == ca.count("/cert/1/2") == 0
    other = await client.certificate(signer, chain.alternate_urls[1])
    assert other.certificates == (LEAF, ISSUER, ROOT)
    assert ca.headers[-1]["accept"] == "application/pem-certificate-chain"


async def test_a_bad_alternate_link_does_not_cost_the_certificate(
    ca: FakeCa, client: AcmeClient, signer: Signer, url: str
) -> None:
    bad = ["http://ca.test/1", "https://127.0.0.1/2", "javascript:alert(1)", url]
    ca.chain_links = [("Link", f"<{link}>;rel=alternate") for link in bad]
    ca.chain_links += [("Link", f"<{BASE}/cert/1/{n}>;rel=alternate") for n in range(50)]
    chain = await client.certificate(signer, url)
    assert chain.alternate_urls == tuple(f"{BASE}/cert/1/{n}" for n in range(10))


async def test_a_download_is_repeated_when_it_breaks(
    ca: FakeCa, client: AcmeClient, signer: Signer, url: str
) -> None:
    ca.script["/cert/1"].extend([httpx.ReadError("reset"), httpx.Response(503)])
    assert (await client.certificate(signer, url)).certificates[-1] == ca.root
