"""The certificate an application signs in to Microsoft Entra ID with, and what it signs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kmtui.core.clock import utc_now
from kmtui.core.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

LARGEST = 64 * 1024
"""Octets of certificate and key looked at."""
ASSERTION_SECONDS = 600

_FIELD = "certificate"
_PEM_KEY = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate with its RSA key."""

    certificate: Certificate
    key: RSAPrivateKey

    @property
    def thumbprint(self) -> str:
        """SHA-1 in upper-case hex, as the portal shows it."""
        return self._sha1.hex().upper()

    @property
    def expires(self) -> datetime:
        """End of validity."""
        return self.certificate.not_valid_after_utc

    def assertion(self, audience: str, client_id: str) -> str:
        """A signed statement of who asks (RFC 7523 section 3), for `audience` alone."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        now = int(utc_now().timestamp())
        header = {"alg": "RS256", "typ": "JWT", "x5t": _base64url(self._sha1)}
        claims = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid.uuid4()),
            "nbf": now,
            "exp": now + ASSERTION_SECONDS,
        }
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self.key.sign(signed.encode(), PKCS1v15(), SHA256())
        return f"{signed}.{_base64url(signature)}"

    @property
    def _sha1(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        # A name for the certificate (RFC 7515 section 4.1.7), which secures nothing.
        der = self.certificate.public_bytes(Encoding.DER)
        return hashlib.sha1(der, usedforsecurity=False).digest()


def is_pem(text: bytes) -> bool:
    """Whether a secret is PEM; else it should be a PFX file in base64."""
    return b"-----BEGIN" in text


def read_certificate(text: bytes, password: bytes) -> ClientCertificate:
    """The certificate in PEM with its key, or in a PFX (PKCS #12) file written as base64.

    PEM takes a millisecond; the key of a PFX file is checked for most of a second: call that in a
    thread. Raises InvalidInput naming the field.
    """
    if len(text) > LARGEST:
        raise InvalidInput("the certificate is too large", field=_FIELD)
    key, certificates = (_from_pem if is_pem(text) else _from_pfx)(text, password or None)
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if not isinstance(key, RSAPrivateKey):
        raise InvalidInput(
            "Microsoft Entra ID takes certificates with an RSA key only", field=_FIELD
        )
    for certificate in certificates:
        if certificate.public_key() == key.public_key():
            return ClientCertificate(certificate, key)
    raise InvalidInput("the certificate does not belong to the key beside it", field=_FIELD)


def pfx_octets(text: bytes) -> bytes:
    """The octets of a PFX file in base64. Raises InvalidInput."""
    try:
        octets = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        octets = b""
    if not octets.startswith(b"\x30"):
        raise InvalidInput(
            "this is neither PEM nor a PFX file in base64",
            field=_FIELD,
            hint="PEM holds certificate and private key; for PFX give the output of: base64 FILE",
        )
    return octets


def _from_pem(text: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    found = _PEM_KEY.search(text)
    if found is None:
        raise InvalidInput(
            "the private key of the certificate is missing",
            field=_FIELD,
            hint="give one file with both: the certificate, then its private key",
        )
    try:
        certificates = load_pem_x509_certificates(text)
    except ValueError:
        raise InvalidInput("the PEM text holds no certificate", field=_FIELD) from None
    # "ENCRYPTED PRIVATE KEY" (RFC 7468 section 11), or the older "Proc-Type: 4,ENCRYPTED".
    encrypted = b"ENCRYPTED" in found[0]
    if encrypted and password is None:
        raise _wrong_password(given=False)
    try:
        # The check that is left out takes a third of a second; the key is the operator's own, and
        # one that does not fit the certificate is found right after.
        key = load_pem_private_key(
            found[0], password if encrypted else None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, UnsupportedAlgorithm):
        if encrypted:
            raise _wrong_password(given=True) from None
        raise InvalidInput("the private key cannot be read", field=_FIELD) from None
    return key, certificates


def _from_pfx(text: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    octets = pfx_octets(text)
    try:
        found = load_pkcs12(octets, password)
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong_password(given=password is not None) from None
    certificates = [found.cert, *found.additional_certs]
    return found.key, [each.certificate for each in certificates if each is not None]


def _wrong_password(*, given: bool) -> InvalidInput:
    return InvalidInput(
        "the key of the certificate cannot be opened with this password"
        if given
        else "the key of the certificate has a password",
        field="certificate_password",
        hint="set the secret `certificate_password`",
    )


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
