"""The keys and certificates of the practice CA: two roots, one intermediate under both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kmtui.core.sandbox.state import write_private

ROOT = "kmtui sandbox, not trusted"
OTHER_ROOT = "kmtui sandbox other root, not trusted"
INTERMEDIATE = "kmtui sandbox intermediate, not trusted"
CA_LIFETIME = timedelta(days=3650)
"""On both sides of today, so that sample certificates of past years still chain."""
MAX_COMMON_NAME = 64


class Issuer:
    """Signs certificates with the intermediate key; the root keys are forgotten once used."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        root: x509.Certificate,
        other_root: x509.Certificate,
        intermediate: x509.Certificate,
        other_intermediate: x509.Certificate,
    ) -> None:
        self._key = key
        self._intermediate = intermediate
        self._other_intermediate = other_intermediate
        self._kept = (root, other_root, intermediate, other_intermediate)
        self.root_pem = pem(root)
        self.other_root_pem = pem(other_root)

    @classmethod
    def open(cls, directory: Path | None) -> Issuer:
        """The CA kept in `directory`, or a new one, kept there if a directory is given."""
        path = directory / "authority.pem" if directory else None
        if path and path.exists():
            text = path.read_bytes()
            key = load_pem_private_key(text, None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            return cls(key, *x509.load_pem_x509_certificates(text))
        issuer = cls._generate(datetime.now(UTC))
        if path:
            private = issuer._key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode()
            write_private(path, private + "".join(map(pem, issuer._kept)))
        return issuer

    @classmethod
    def _generate(cls, now: datetime) -> Issuer:
        root_key, other_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        return cls(
            key,
            _authority(ROOT, root_key.public_key(), ROOT, root_key, now, None),
            _authority(OTHER_ROOT, other_key.public_key(), OTHER_ROOT, other_key, now, None),
            _authority(INTERMEDIATE, key.public_key(), ROOT, root_key, now, 0),
            _authority(INTERMEDIATE, key.public_key(), OTHER_ROOT, other_key, now, 0),
        )

    def issue(
        self,
        names: Sequence[str],
        public_key: CertificatePublicKeyTypes,
        not_before: datetime,
        lifetime: timedelta,
    ) -> x509.Certificate:
        """A server certificate for those DNS names; fast enough for the event loop."""
        common_name = next((name for name in names if len(name) <= MAX_COMMON_NAME), None)
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        start = not_before.replace(microsecond=0)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._intermediate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(encipher=isinstance(public_key, rsa.RSAPublicKey)), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            # RFC 5280 §4.2.1.6: critical when the subject is empty
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), not subject
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
            .add_extension(_authority_key(self._key.public_key()), False)
            .sign(self._key, hashes.SHA256())
        )

    def issued(self, certificate: x509.Certificate) -> bool:
        """Whether this CA signed the certificate."""
        try:
            certificate.verify_directly_issued_by(self._intermediate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    def chain_pem(self, certificate: x509.Certificate, *, other: bool = False) -> str:
        """The certificate and its intermediate, to the first or the other root."""
        return pem(certificate) + pem(self._other_intermediate if other else self._intermediate)


def pem(certificate: x509.Certificate) -> str:
    """The certificate as PEM text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _authority(
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    path_length: int | None,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CA_LIFETIME)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
        .add_extension(_authority_key(issuer_key.public_key()), False)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _authority_key(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _key_usage(*, authority: bool = False, encipher: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
