"""Private keys of accounts and certificates, and the requests (CSR) signed with them."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PrivateKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from kmtui.core.errors import InvalidInput
from kmtui.core.names import is_ip, normalise_names
from kmtui.model import KeyType

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

MAX_PEM = 64 * 1024
"""Octets of key or CSR text looked at."""

_CURVES: dict[KeyType, type[ec.EllipticCurve]] = {
    KeyType.EC256: ec.SECP256R1,
    KeyType.EC384: ec.SECP384R1,
}
_CURVE_WORDS = {"secp256r1": "ec256", "secp384r1": "ec384", "secp521r1": "ec521"}
_RSA_BITS = {KeyType.RSA2048: 2048, KeyType.RSA3072: 3072, KeyType.RSA4096: 4096}


def generate(key_type: KeyType | str) -> PrivateKey:
    """A fresh private key. RSA takes up to seconds: call it in a thread.

    Raises InvalidInput (field ``key_type``).
    """
    wanted = supported_key_type(key_type)
    if wanted in _CURVES:
        return ec.generate_private_key(_CURVES[wanted]())
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[wanted])


def with_csr(names: Iterable[str], key_type: KeyType | str) -> tuple[PrivateKey, bytes]:
    """A fresh private key and the `csr` for it: slow, so call it in a thread."""
    key = generate(key_type)
    return key, csr(names, key)


def supported_key_type(word: str) -> KeyType:
    """The key type of that word. Raises InvalidInput (field ``key_type``)."""
    try:
        return KeyType(word)
    except ValueError:
        raise InvalidInput(
            f"no key type {word!r} for new certificates and accounts",
            field="key_type",
            hint="one of: " + ", ".join(KeyType),
        ) from None


def key_type_of(key: PrivateKeyTypes | PublicKeyTypes) -> str:
    """The key's type as a word: a KeyType where it is one, else like ``rsa1024`` or ``ed25519``."""
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        # By name, not by size: secp256k1 has 256 bits too, and no public CA signs it.
        return _CURVE_WORDS.get(key.curve.name, key.curve.name)
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return f"rsa{key.key_size}"
    return re.sub(r"(Private|Public)Key$", "", type(key).__name__).lower()


def to_pem(key: PrivateKey) -> bytes:
    """The key as unencrypted PKCS#8 PEM (RFC 5958): seal it before it is stored."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_private_key(
    pem: bytes, password: bytes | None = None, *, check_numbers: bool = True
) -> PrivateKey:
    """The RSA or EC key of a PEM text (PKCS#8, PKCS#1 or SEC1), of any size.

    Whether the numbers of an RSA key make one takes 50 ms and more to check: without that, only its
    public half is to be looked at.
    Raises InvalidInput: field ``password`` when it is missing or wrong, else ``key``.
    """
    if len(pem) > MAX_PEM:
        raise InvalidInput("too long for a private key", field="key")
    if b"PRIVATE KEY-----" not in pem:
        raise InvalidInput(
            "no private key in PEM form was found",
            field="key",
            hint="the text begins with -----BEGIN PRIVATE KEY----- or a like line",
        )
    try:
        key = load_pem_private_key(
            pem, password or None, unsafe_skip_rsa_key_validation=not check_numbers
        )
    except TypeError as error:
        # cryptography says with TypeError that a password is missing, or given for a plain key.
        if password:
            return load_private_key(pem, check_numbers=check_numbers)
        raise InvalidInput(
            "the private key is encrypted: give its password", field="password"
        ) from error
    except UnsupportedAlgorithm as error:
        raise InvalidInput(
            f"the private key is of an unknown kind: {error}", field="key"
        ) from error
    except ValueError as error:
        if password and b"ENCRYPTED" in pem:
            raise InvalidInput(
                "the password does not open the private key, or the key is damaged",
                field="password",
            ) from error
        raise InvalidInput("the private key is damaged", field="key") from error
    return usable(key)


def usable(key: PrivateKeyTypes) -> PrivateKey:
    """The key, of a kind that certificates and accounts have here. Raises InvalidInput."""
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise InvalidInput(
            f"a key of type {key_type_of(key)} cannot be used: RSA and EC keys can", field="key"
        )
    return key


def spki(key: PrivateKey | CertificatePublicKeyTypes) -> bytes:
    """The public key as DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)."""
    public = (
        key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else key
    )
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def spki_sha256(key: PrivateKey | CertificatePublicKeyTypes) -> str:
    """SHA-256 of the SubjectPublicKeyInfo in lower-case hex: what ties a key to a certificate."""
    return hashlib.sha256(spki(key)).hexdigest()


def csr(names: Iterable[str], key: PrivateKey) -> bytes:
    """A DER certificate request for canonical names: all in the SAN, no subject.

    Without a common name the 64-character limit of that field, and the rule that it holds no IP
    address, never bite. Raises InvalidInput (field ``names``).
    """
    san = x509.SubjectAlternativeName([_general_name(name) for name in normalise_names(names)])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(san, critical=False)
        .sign(key, hashes.SHA384() if _is_p384(key) else hashes.SHA256())
    )
    return request.public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrFacts:
    """What a certificate request made elsewhere asks for."""

    der: bytes
    names: tuple[str, ...]
    key_type: KeyType
    spki_sha256: str


def read_csr(text: str | bytes) -> CsrFacts:
    """The facts of a certificate request in PEM or DER form that a CA can take.

    Raises InvalidInput (field ``csr``): unreadable, not signed with its own key, a key type or an
    alternative name that ACME cannot order (RFC 8555 section 7.4).
    """
    octets = text.encode() if isinstance(text, str) else text
    if len(octets) > MAX_PEM:
        raise InvalidInput("too long for a certificate request", field="csr")
    try:
        load = x509.load_pem_x509_csr if b"-----BEGIN" in octets else x509.load_der_x509_csr
        request = load(octets)
        public_key = request.public_key()
        key_type = key_type_of(public_key)
        names = normalise_names(_requested_names(request))
        signed = request.is_signature_valid
    except InvalidInput as error:
        raise InvalidInput(f"the CSR: {error.message}", field="csr", hint=error.hint) from error
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise InvalidInput(f"this is not a readable CSR: {error}", field="csr") from error
    if not signed:
        raise InvalidInput("the CSR is not signed with its own key", field="csr")
    if key_type not in tuple(KeyType):
        raise InvalidInput(
            f"the CSR has a key of type {key_type}", field="csr", hint="use " + ", ".join(KeyType)
        )
    return CsrFacts(
        der=request.public_bytes(Encoding.DER),
        names=names,
        key_type=KeyType(key_type),
        spki_sha256=spki_sha256(public_key),
    )


def csr_spki_sha256(der: bytes) -> str:
    """`spki_sha256` of the key in a certificate request that was checked when it was stored."""
    return spki_sha256(x509.load_der_x509_csr(der).public_key())


def check_csr(text: str | bytes, *, names: Iterable[str]) -> bytes:
    """The request in DER form, after checking that it asks for exactly these canonical names.

    Raises InvalidInput (field ``csr``).
    """
    facts = read_csr(text)
    if differing := set(facts.names) ^ set(names):
        raise InvalidInput(
            "the CSR and the request differ in their names: " + ", ".join(sorted(differing)),
            field="csr",
            hint="the CSR asks for " + ", ".join(facts.names),
        )
    return facts.der


def _general_name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(name)


def _is_p384(key: PrivateKey) -> bool:
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1)


def _requested_names(request: x509.CertificateSigningRequest) -> list[str]:
    """Common name first: the CA counts it among the names (RFC 8555 section 7.4)."""
    names = [
        str(attribute.value)
        for attribute in request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    ]
    try:
        san = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    for entry in san:
        if not isinstance(entry, x509.DNSName | x509.IPAddress):
            raise InvalidInput(f"it asks for {type(entry).__name__}, not a domain name or IP")
        names.append(str(entry.value))
    return names
