"""Signing as ACME wants it: flattened JWS, kid or jwk, nonce and url (RFC 8555 section 6.2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import jwa, jwk

from kmtui.core.errors import InvalidInput

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

CURVES: dict[str, jwa.JWASignature] = {
    "secp256r1": jwa.ES256,
    "secp384r1": jwa.ES384,
    "secp521r1": jwa.ES512,
}
"""Signature algorithm by curve (RFC 7518 section 3.4): the curve leaves no choice."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the account key, and the account URL once there is one.

    Without an account URL the public key itself goes along (`jwk`): for newAccount, and for
    revoking with a certificate's own key.
    """

    key: PrivateKey = field(repr=False)
    kid: str | None = None

    def sign(self, payload: Mapping[str, Any] | None, *, url: str, nonce: str) -> bytes:
        """The body of a POST to exactly this URL; a payload of None is a POST-as-GET."""
        # RFC 8555 section 6.3: POST-as-GET signs the empty string, which {} is not.
        raw = b"" if payload is None else json.dumps(payload).encode()
        return sign(raw, self.key, url=url, nonce=nonce, kid=self.kid)


@dataclass(frozen=True, slots=True)
class ExternalAccount:
    """Key id and HMAC key a CA gave out to bind an ACME account to one it knows (section 7.3.4)."""

    kid: str
    hmac_key: str = field(repr=False)
    """As the CA shows it: base64url or standard base64, with or without padding."""

    def binding(self, account_key: PrivateKey, *, url: str) -> dict[str, Any]:
        """The `externalAccountBinding` for newAccount at `url`. Raises InvalidInput."""
        payload = json.dumps(_jwk(account_key).public_key().to_json()).encode()
        return _flattened(payload, self._secret(), jwa.HS256, {"kid": self.kid, "url": url})

    def check(self) -> None:
        """Raise InvalidInput unless the HMAC key can be read."""
        self._secret()

    def _secret(self) -> bytes:
        text = "".join(self.hmac_key.split()).rstrip("=").translate(_TO_URL_SAFE)
        try:
            if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
                raise ValueError("not base64")
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error):
            # Nothing of the secret may end up in a message or in a chained error.
            raise InvalidInput(
                "the HMAC key of the external account is not base64",
                field="eab-hmac-file",
                hint="copy the whole key as the CA shows it",
            ) from None


def key_change(
    old_key: PrivateKey, new_key: PrivateKey, *, account_url: str, url: str
) -> dict[str, Any]:
    """What asks for another account key at `url`: signed by the new one (section 7.3.5).

    The old key signs the request that carries it.
    """
    wish = {"account": account_url, "oldKey": _jwk(old_key).public_key().to_json()}
    payload = json.dumps(wish).encode()
    return _flattened(payload, new_key, algorithm(new_key), {**_identity(new_key), "url": url})


_TO_URL_SAFE = str.maketrans("+/", "-_")


def sign(
    payload: bytes,
    key: PrivateKey,
    *,
    url: str,
    nonce: str | None = None,
    kid: str | None = None,
) -> bytes:
    """A flattened JWS as JSON: with `kid` when given, else with the public key (`jwk`)."""
    header = {**_identity(key, kid), "url": url}
    if nonce is not None:
        header["nonce"] = nonce
    return json.dumps(_flattened(payload, key, algorithm(key), header)).encode()


def algorithm(key: PrivateKey) -> jwa.JWASignature:
    """RS256, ES256, ES384 or ES512, as the key dictates. Raises InvalidInput for other keys."""
    if isinstance(key, rsa.RSAPrivateKey):
        return jwa.RS256
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    raise InvalidInput(
        "this kind of key cannot sign ACME requests",
        field="key",
        hint="use RSA or an elliptic curve key on P-256, P-384 or P-521",
    )


def thumbprint(key: PrivateKey) -> str:
    """The key's JWK thumbprint, SHA-256, base64url (RFC 7638)."""
    return b64url(_jwk(key).thumbprint())


def key_authorization(token: str, key: PrivateKey) -> str:
    """What proves control: token and thumbprint (RFC 8555 section 8.1); the token stays as sent."""
    return f"{token}.{thumbprint(key)}"


def dns_value(authorization: str) -> str:
    """The TXT value for a key authorization (RFC 8555 section 8.4)."""
    return b64url(hashlib.sha256(authorization.encode()).digest())


def b64url(raw: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _jwk(key: PrivateKey) -> jwk.JWK:
    algorithm(key)
    return jwk.JWKRSA(key=key) if isinstance(key, rsa.RSAPrivateKey) else jwk.JWKEC(key=key)


def _identity(key: PrivateKey, kid: str | None = None) -> dict[str, Any]:
    """Who signs, as a header: exactly one of the two (RFC 8555 section 6.2)."""
    return {"jwk": _jwk(key).public_key().to_json()} if kid is None else {"kid": kid}


def _flattened(
    payload: bytes, key: PrivateKey | bytes, alg: jwa.JWASignature, header: dict[str, Any]
) -> dict[str, Any]:
    """The flattened JWS with everything in the protected header (RFC 7515 section 7.2.2)."""
    protected = b64url(json.dumps({"alg": alg.name, **header}).encode())
    text = b64url(payload)
    signature = alg.sign(key, f"{protected}.{text}".encode())
    return {"protected": protected, "payload": text, "signature": b64url(signature)}
