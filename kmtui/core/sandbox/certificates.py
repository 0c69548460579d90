"""What the practice CA certifies and takes back: CSRs and revocation (RFC 8555 §7.4, §7.6)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from kmtui.core.sandbox.issuer import Issuer
from kmtui.core.sandbox.jws import MIN_RSA_BITS, SignedRequest, decode, public_key
from kmtui.core.sandbox.problems import Rejection
from kmtui.core.sandbox.state import Account, Issued, State

CURVES = ("secp256r1", "secp384r1")
UNREADABLE = (
    ValueError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for a CSR that is none, or one that is odd."""
REASONS = (0, 1, 3, 4, 5, 9)
"""Reasons of RFC 5280 section 5.3.1 that a subscriber may give."""


def requested_key(
    payload: dict[str, Any], names: Collection[str], account: Account
) -> CertificatePublicKeyTypes:
    """The public key of a finalize payload's CSR; raises Rejection badCSR or badPublicKey."""
    try:
        csr = x509.load_der_x509_csr(decode(payload.get("csr")))
        if not csr.is_signature_valid:
            raise Rejection("badCSR", "The signature of the CSR does not hold")
        key = csr.public_key()
        asked = _names(csr)
    except UNREADABLE as error:
        raise Rejection("badCSR", f"The CSR cannot be read: {error}") from None
    if asked != set(names):
        wanted, got = ", ".join(sorted(names)), ", ".join(sorted(asked))
        raise Rejection("badCSR", f"The order is for {wanted}; the CSR for {got or 'no name'}")
    # RFC 8555 §11.1: the account key is for nothing else
    if _spki(key) == _spki(public_key(account.jwk).key):
        raise Rejection("badCSR", "The CSR must not be for the account key")
    match key:
        case rsa.RSAPublicKey() if key.key_size >= MIN_RSA_BITS:
            return key
        case ec.EllipticCurvePublicKey() if key.curve.name in CURVES:
            return key
    raise Rejection("badPublicKey", f"Keys are RSA from {MIN_RSA_BITS} bits, P-256 or P-384")


def revoke(state: State, issuer: Issuer, signed: SignedRequest, held: Collection[str]) -> None:
    """Revoke the certificate of a revokeCert request; `held` are names its account proved."""
    payload = signed.payload or {}
    try:
        certificate = x509.load_der_x509_certificate(decode(payload.get("certificate")))
    except ValueError:
        raise Rejection("malformed", "The certificate cannot be read") from None
    if not issuer.issued(certificate):
        raise Rejection("malformed", "This CA did not issue the certificate", status=404)
    issued = state.issued.setdefault(serial_hex(certificate), Issued(""))
    if signed.account:
        owner = signed.account.id == issued.account or _names(certificate) <= set(held)
    else:
        owner = _spki(certificate.public_key()) == _spki(signed.key.key)
    if not owner:
        raise Rejection("unauthorized", "Only its account or its own key revoke a certificate")
    if issued.revocation_reason is not None:
        raise Rejection("alreadyRevoked", "The certificate was revoked before")
    reason = payload.get("reason", 0)
    if reason not in REASONS:
        raise Rejection("badRevocationReason", f"Reasons are {REASONS}, not {reason!r}")
    issued.revocation_reason = reason
    state.save()


def serial_hex(certificate: x509.Certificate) -> str:
    """The serial number, lower-case hex."""
    return format(certificate.serial_number, "x")


def _names(subject: x509.Certificate | x509.CertificateSigningRequest) -> set[str]:
    """The names of both the subject and its alternative names, lower case."""
    common_names = subject.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names = {str(attribute.value).lower() for attribute in common_names}
    try:
        extension = subject.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return names
    return names | {str(name.value).lower() for name in extension.value}


def _spki(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
