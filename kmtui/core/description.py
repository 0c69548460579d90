"""A certificate in plain words, line by line, for reading on a screen.

Values come from the certificate verbatim: filter each line where it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from kmtui.core.keys import key_type_of, spki_sha256

_KEY_USAGES = {
    "digital_signature": "digital signature",
    "content_commitment": "content commitment",
    "key_encipherment": "key encipherment",
    "data_encipherment": "data encipherment",
    "key_agreement": "key agreement",
    "key_cert_sign": "certificate signing",
    "crl_sign": "CRL signing",
}
_EXTENDED_USAGES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS server",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS client",
    ExtendedKeyUsageOID.CODE_SIGNING: "code signing",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "e-mail",
    ExtendedKeyUsageOID.TIME_STAMPING: "time stamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP signing",
}
_POLICIES = {
    "2.23.140.1.2.1": "domain validated",
    "2.23.140.1.2.2": "organisation validated",
    "2.23.140.1.2.3": "individual validated",
    "2.23.140.1.1": "extended validation",
}
_ACCESS = {"1.3.6.1.5.5.7.48.1": "OCSP", "1.3.6.1.5.5.7.48.2": "issuer"}


def describe(certificate: x509.Certificate) -> tuple[str, ...]:
    """Lines like ``Key usage: digital signature (critical)``.

    Never raises: what cannot be read is said to be unreadable, since old and foreign certificates
    must be shown too.
    """
    return tuple(f"{label}: {value}" for label, value in details(certificate))


def details(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    """The same as label and value."""
    yield "Subject", _read(certificate.subject.rfc4514_string) or "(empty)"
    yield "Issuer", _read(certificate.issuer.rfc4514_string)
    yield "Serial", format(certificate.serial_number, "x")
    yield "Not before", f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"
    yield "Not after", f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
    yield "Key", _read(lambda: key_type_of(certificate.public_key()))
    yield "Signature", _read(lambda: _signature(certificate))
    yield "SHA-256", certificate.fingerprint(hashes.SHA256()).hex()
    yield "Public key SHA-256", _read(lambda: spki_sha256(certificate.public_key()))
    try:
        extensions = list(certificate.extensions)
    except (ValueError, x509.DuplicateExtension) as error:
        yield "Extensions", f"unreadable: {error}"
        return
    for extension in extensions:
        label, words = _WORDS.get(type(extension.value), (_oid_name(extension.oid), _unknown))
        value = _read(partial(words, extension.value))
        yield label, value + (" (critical)" if extension.critical else "")


def _read(read: Callable[[], str]) -> str:
    try:
        return read()
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"unreadable: {error}"


def _signature(certificate: x509.Certificate) -> str:
    name = _oid_name(certificate.signature_algorithm_oid)
    algorithm = certificate.signature_hash_algorithm
    return (
        f"{name} ({algorithm.name})" if algorithm and algorithm.name not in name.lower() else name
    )


def _oid_name(oid: x509.ObjectIdentifier) -> str:
    known: str = oid._name
    return oid.dotted_string if known == "Unknown OID" else known


def _general_names(names: Iterable[x509.GeneralName]) -> str:
    return ", ".join(
        name.value.rfc4514_string() if isinstance(name, x509.DirectoryName) else str(name.value)
        for name in names
    )


def _key_usage(usage: x509.KeyUsage) -> str:
    return ", ".join(words for name, words in _KEY_USAGES.items() if getattr(usage, name))


def _extended_usage(usage: x509.ExtendedKeyUsage) -> str:
    return ", ".join(_EXTENDED_USAGES.get(oid, oid.dotted_string) for oid in usage)


def _constraints(constraints: x509.BasicConstraints) -> str:
    if not constraints.ca:
        return "not a CA"
    limit = constraints.path_length
    return "a CA" if limit is None else f"a CA, at most {limit} CAs below"


def _access(access: x509.AuthorityInformationAccess) -> str:
    return ", ".join(
        f"{_ACCESS.get(entry.access_method.dotted_string, entry.access_method.dotted_string)}"
        f" {_general_names([entry.access_location])}"
        for entry in access
    )


def _crl_points(points: x509.CRLDistributionPoints) -> str:
    return ", ".join(_general_names(point.full_name or ()) for point in points)


def _policies(policies: x509.CertificatePolicies) -> str:
    oids = (policy.policy_identifier.dotted_string for policy in policies)
    return ", ".join(_POLICIES.get(oid, oid) for oid in oids)


def _timestamps(timestamps: x509.PrecertificateSignedCertificateTimestamps) -> str:
    count = len(timestamps)
    if not count:
        return "none"
    first = min(timestamp.timestamp for timestamp in timestamps)
    return f"{count}, the first of {first:%Y-%m-%d %H:%M} UTC"


def _features(features: x509.TLSFeature) -> str:
    return ", ".join(feature.name.replace("_", " ") for feature in features)


def _key_id(identifier: x509.SubjectKeyIdentifier) -> str:
    return identifier.digest.hex()


def _authority_key_id(identifier: x509.AuthorityKeyIdentifier) -> str:
    return (identifier.key_identifier or b"").hex() or _general_names(
        identifier.authority_cert_issuer or ()
    )


def _unknown(value: Any) -> str:
    octets = getattr(value, "value", None)
    return f"{len(octets)} octets" if isinstance(octets, bytes) else type(value).__name__


_WORDS: dict[type, tuple[str, Callable[[Any], str]]] = {
    x509.SubjectAlternativeName: ("Names", _general_names),
    x509.KeyUsage: ("Key usage", _key_usage),
    x509.ExtendedKeyUsage: ("Extended key usage", _extended_usage),
    x509.BasicConstraints: ("Basic constraints", _constraints),
    x509.AuthorityInformationAccess: ("Authority information", _access),
    x509.CRLDistributionPoints: ("Revocation lists", _crl_points),
    x509.CertificatePolicies: ("Policies", _policies),
    x509.PrecertificateSignedCertificateTimestamps: ("Signed timestamps", _timestamps),
    x509.TLSFeature: ("TLS features", _features),
    x509.SubjectKeyIdentifier: ("Key identifier", _key_id),
    x509.AuthorityKeyIdentifier: ("Issuer key identifier", _authority_key_id),
}
