"""Signing: algorithm by key, headers by rule, values by the letter of the RFCs."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from kmtui.core.acme.jws import (
    PrivateKey,
    Signer,
    dns_value,
    key_authorization,
    sign,
    thumbprint,
)
from kmtui.core.errors import InvalidInput

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
URL = "https://ca.test/x"


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int, size: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSA, "RS256"),
        (EC, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    ],
)
def test_the_key_dictates_the_algorithm_and_the_signature_holds(key: PrivateKey, alg: str) -> None:
    body = json.loads(Signer(key, "https://ca.test/acct/1").sign({"a": 1}, url=URL, nonce="bm8"))
    header = json.loads(b64(body["protected"]))
    assert header == {"alg": alg, "kid": "https://ca.test/acct/1", "url": URL, "nonce": "bm8"}
    signed = f"{body['protected']}.{body['payload']}".encode()
    signature = b64(body["signature"])
    if isinstance(key, rsa.RSAPrivateKey):
        key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        return
    half = len(signature) // 2
    der = utils.encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )
    digests = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512()}
    key.public_key().verify(der, signed, ec.ECDSA(digests[alg]))


def test_without_an_account_url_the_public_key_goes_along() -> None:
    body = json.loads(Signer(EC).sign({}, url=URL, nonce="bm8"))
    header = json.loads(b64(body["protected"]))
    assert "kid" not in header
    assert "d" not in header["jwk"], "the private part stays here"
    assert header["jwk"]["kty"] == "EC"


def test_an_empty_object_and_post_as_get_differ() -> None:
    assert json.loads(Signer(EC).sign({}, url=URL, nonce="n"))["payload"] == "e30"
    assert json.loads(Signer(EC).sign(None, url=URL, nonce="n"))["payload"] == ""


@pytest.mark.parametrize("nonce", ["AAB", "A" * 41, "0f" * 16, "_-"])
def test_a_nonce_goes_back_exactly_as_it_came(nonce: str) -> None:
    body = json.loads(sign(b"", EC, url=URL, nonce=nonce))
    assert json.loads(b64(body["protected"]))["nonce"] == nonce


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    point = EC.public_key().public_numbers()
    public = {"crv": "P-256", "kty": "EC", "x": number(point.x, 32), "y": number(point.y, 32)}
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":")).encode()
    expected = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    assert thumbprint(EC) == expected


def test_key_authorization_and_txt_value_follow_rfc_8555() -> None:
    token = "A" * 42 + "B"
    authorization = key_authorization(token, EC)
    assert authorization == f"{token}.{thumbprint(EC)}"
    assert b64(dns_value(authorization)) == hashlib.sha256(authorization.encode()).digest()
    assert "=" not in dns_value(authorization)


@pytest.mark.parametrize(
    "key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())]
)
def test_other_keys_are_refused_in_plain_words(key: PrivateKey) -> None:
    with pytest.raises(InvalidInput, match="cannot sign ACME requests"):
        thumbprint(key)


def test_signing_brings_in_neither_requests_nor_pyopenssl() -> None:
    heavy = "{'requests', 'OpenSSL', 'acme.client', 'acme.messages', 'textual', 'sqlmodel'}"
    code = f"import sys, kmtui.core.acme; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
