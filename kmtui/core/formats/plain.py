"""Formats without a password: PEM (RFC 7468), DER, and PKCS #7 (RFC 5652), which has no key."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)

from kmtui.core.deployment.bundle import CERT, CHAIN, FULLCHAIN, PRIVKEY
from kmtui.core.formats.material import Material
from kmtui.core.inspection import chain_pem
from kmtui.core.keys import to_pem


def pem(material: Material) -> bytes:
    """The key, where it goes along, then the chain: the order that all programs take."""
    key = to_pem(material.key) if material.key else b""
    return key + chain_pem(material.chain).encode()


def pem_files(material: Material) -> dict[str, bytes]:
    """The usual four files; without the key, and without issuers, as many less."""
    leaf, *issuers = (chain_pem([certificate]).encode() for certificate in material.chain)
    files = {CERT: leaf, FULLCHAIN: b"".join([leaf, *issuers])}
    if issuers:
        files[CHAIN] = b"".join(issuers)
    if material.key:
        files[PRIVKEY] = to_pem(material.key)
    return files


def der(material: Material) -> bytes:
    """The certificate itself."""
    return material.chain[0].public_bytes(Encoding.DER)


def der_files(material: Material) -> dict[str, bytes]:
    """The certificate and, where it goes along, the key as PKCS #8 (RFC 5958)."""
    files = {"cert.der": der(material)}
    if material.key:
        files["privkey.der"] = material.key.private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
    return files


def p7b(material: Material) -> bytes:
    """The whole chain as PEM text: a degenerate SignedData (RFC 5652 section 5.2)."""
    return pkcs7.serialize_certificates(list(material.chain), Encoding.PEM)
