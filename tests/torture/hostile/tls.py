"""TLS identities a hostile CA shows: one that is trusted, and those that must not be."""

from __future__ import annotations

import ipaddress
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LOOPBACK = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
ELSEWHERE = x509.SubjectAlternativeName([x509.DNSName("elsewhere.test")])


class Identities:
    """Server certificates under one root, by what is wrong with them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        root = self._certificate("root", self._root_key, self._root_key, "root", None, ca=True)
        self.root_pem = root.public_bytes(Encoding.PEM).decode()
        self._contexts: dict[str, ssl.SSLContext | None] = {
            "good": self._context("good", LOOPBACK),
            "expired": self._context("expired", LOOPBACK, days=-10),
            "another host": self._context("another host", ELSEWHERE),
            "self-signed": self._context("self-signed", LOOPBACK, self_signed=True),
            "1.0": self._context("1.0", LOOPBACK),
            "none": None,
        }
        old = self._contexts["1.0"]
        assert old is not None
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1

    def context(self, kind: str) -> ssl.SSLContext | None:
        """The server's side; None for no TLS at all."""
        return self._contexts[kind]

    def _context(
        self,
        name: str,
        names: x509.SubjectAlternativeName,
        *,
        days: int = 10,
        self_signed: bool = False,
    ) -> ssl.SSLContext:
        signer, issuer = (self._key, name) if self_signed else (self._root_key, "root")
        leaf = self._certificate(name, self._key, signer, issuer, names, days=days)
        path = self._directory / f"{name}.pem"
        path.write_bytes(
            self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + leaf.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    @staticmethod
    def _certificate(
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        issuer: str,
        names: x509.SubjectAlternativeName | None,
        *,
        ca: bool = False,
        days: int = 10,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(signer, hashes.SHA256())
