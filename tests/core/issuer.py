"""A certificate issuer of the tests' own: root, intermediate, and leaves to order."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from kmtui.core.keys import PrivateKey
from kmtui.core.names import is_ip

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def called(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass
class Issuer:
    """Signs certificates under its name; the root when it has no parent."""

    name: x509.Name
    parent: Issuer | None = None
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def certificate(self) -> x509.Certificate:
        """Its own certificate, signed by its parent or itself."""
        signer = self.parent or self
        return (
            self._builder(self.name, signer.name, self.key.public_key(), NOW, timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(signer.key, hashes.SHA256())
        )

    def issue(
        self,
        names: Sequence[str],
        key: PrivateKey | CertificatePublicKeyTypes,
        *,
        subject: x509.Name | None = None,
        begins: datetime = NOW - timedelta(hours=1),
        lasts: timedelta = timedelta(days=90),
        serial: int = 0x0ABC,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> x509.Certificate:
        """A leaf for `names` (none: without a SAN) and a key, either half of it."""
        public = key.public_key() if isinstance(key, PrivateKey) else key
        builder = self._builder(subject or x509.Name([]), self.name, public, begins, lasts, serial)
        if names:
            san = [
                x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(name)
                for name in names
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256())

    @staticmethod
    def _builder(
        subject: x509.Name,
        issuer: x509.Name,
        public_key: object,
        begins: datetime,
        lasts: timedelta,
        serial: int = 1,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)  # type: ignore[arg-type]
            .serial_number(serial)
            .not_valid_before(begins)
            .not_valid_after(begins + lasts)
        )


def chain_of_issuers() -> tuple[Issuer, Issuer]:
    """Root and intermediate."""
    root = Issuer(called("Practice Root X1"))
    return root, Issuer(called("R11"), parent=root)
