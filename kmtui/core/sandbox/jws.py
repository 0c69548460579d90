"""Signed requests as the CA reads them (RFC 8555 section 6.2, RFC 7515 flattened JSON)."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from josepy.errors import Error as JoseError
from josepy.jwa import ES256, ES384, ES512, RS256, JWASignature
from josepy.jwk import JWK, JWKEC, JWKRSA

from kmtui.core.sandbox.problems import Rejection
from kmtui.core.sandbox.state import Account

ALGORITHMS: dict[str, tuple[JWASignature, str, str | None]] = {
    "RS256": (RS256, "RSA", None),
    "ES256": (ES256, "EC", "P-256"),
    "ES384": (ES384, "EC", "P-384"),
    "ES512": (ES512, "EC", "P-521"),
}
"""By `alg`: how to verify, and the `kty` and `crv` of the keys it is for (RFC 7518 section 3.1)."""
MIN_RSA_BITS = 2048


@dataclass(frozen=True)
class SignedRequest:
    """A request whose signature holds."""

    key: JWK
    jwk: dict[str, str]
    account: Account | None
    """None when it was signed with a key of its own (`jwk`), not in the name of an account."""
    payload: dict[str, Any] | None
    """None for POST-as-GET (RFC 8555 section 6.3)."""

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the signing key, base64url (RFC 7638)."""
        return encode(self.key.thumbprint())


def read(
    body: bytes,
    url: str,
    use_nonce: Callable[[object], None],
    account_of: Callable[[str], Account],
) -> SignedRequest:
    """The verified request; raises Rejection. `account_of` finds the account of a `kid`."""
    jws = _object(body)
    if set(jws) != {"protected", "payload", "signature"}:
        raise Rejection("malformed", "Not a flattened JWS without unprotected header")
    protected, payload = decode(jws["protected"]), decode(jws["payload"])
    header = _object(protected)
    if header.get("url") != url:
        raise Rejection("unauthorized", f'The JWS is for {header.get("url")!r}, sent to "{url}"')
    if ("jwk" in header) == ("kid" in header):
        raise Rejection("malformed", "Exactly one of jwk and kid must be in the header")
    account = account_of(str(header["kid"])) if "kid" in header else None
    jwk = account.jwk if account else header["jwk"]
    if not isinstance(jwk, dict):
        raise Rejection("malformed", "A JWK is a JSON object")
    algorithm, key = _algorithm(header.get("alg"), jwk), public_key(jwk)
    signed = f"{jws['protected']}.{jws['payload']}".encode()
    if not algorithm.verify(key.key, signed, decode(jws["signature"])):
        raise Rejection("malformed", "The signature of the JWS does not hold")
    use_nonce(header.get("nonce"))
    if account and account.status != "valid":
        raise Rejection("unauthorized", f"The account is {account.status}")
    return SignedRequest(key, jwk, account, _object(payload) if payload else None)


def decode(text: object) -> bytes:
    """Base64url without padding (RFC 7515 section 2); raises Rejection malformed."""
    try:
        if not isinstance(text, str) or set(text) & set("+/="):
            raise ValueError
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise Rejection("malformed", "Not base64url without padding") from None


def encode(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(octets).decode().rstrip("=")


def public_key(jwk: Mapping[str, Any]) -> JWK:
    """The key of a JWK; raises Rejection badPublicKey."""
    try:
        key = JWK.from_json(dict(jwk))
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError):
        raise Rejection("badPublicKey", "The JWK cannot be read") from None
    if not isinstance(key, JWKRSA | JWKEC):
        raise Rejection("badPublicKey", "Keys are RSA or EC")
    if isinstance(key, JWKRSA) and key.key.key_size < MIN_RSA_BITS:
        raise Rejection("badPublicKey", f"RSA keys need {MIN_RSA_BITS} bits or more")
    return key


def _algorithm(name: object, jwk: Mapping[str, Any]) -> JWASignature:
    algorithm, kty, crv = ALGORITHMS.get(str(name), (None, "", None))
    if algorithm is None:
        detail = f"The signature algorithm {name!r} is not supported"
        raise Rejection("badSignatureAlgorithm", detail, algorithms=list(ALGORITHMS))
    if (jwk.get("kty"), jwk.get("crv")) != (kty, crv):
        raise Rejection("malformed", f"{name} is not the algorithm of this key")
    return algorithm


def _object(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Rejection("malformed", "Not a JSON object")
    return document
