"""Certificate chains a CA must not get away with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from tests.torture.hostile.acts import Act, issuing

if TYPE_CHECKING:
    from tests.torture.hostile.ca import HostileCa

KEY_BLOCK = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
NAMES = ("www.example.org",)


def of(
    *,
    names: Sequence[str] = NAMES,
    key: bool = False,
    begins: float = 0,
    length: int = 2,
) -> Act:
    """A chain of that length; for a key of the CA's own if told; beginning so many days from now.

    The leaf lasts for 30 days.
    """

    def make(ca: HostileCa) -> bytes:
        other = ec.generate_private_key(ec.SECP256R1()).public_key() if key else None
        leaf, issuer = ca.chain(names=names, key=other, begins=_from_now(begins))
        return pem([leaf]) + pem([issuer]) * (length - 1)

    return issuing(make)


def followed_by_a_key() -> Act:
    """A good chain, and a private key."""
    return issuing(lambda ca: pem(ca.chain()) + KEY_BLOCK)


def with_an_extension_twice() -> Act:
    """A leaf that can be loaded, and whose extensions raise when they are looked at."""
    first, second = (f"1.3.6.1.4.1.55555.{number}" for number in (1, 2))
    extensions = [
        (x509.UnrecognizedExtension(ObjectIdentifier(oid), b"\x05\x00"), False)
        for oid in (first, second)
    ]

    def make(ca: HostileCa) -> bytes:
        leaf, issuer = ca.chain(extensions=extensions)
        # The last octet of the identifier tells the two apart.
        arc = x509.ObjectIdentifier(first)
        der = leaf.public_bytes(Encoding.DER)
        encoded = bytes.fromhex("2b0601040183b203")
        assert der.count(encoded) == 2, arc
        twice = der.replace(encoded + b"\x02", encoded + b"\x01")
        return pem([x509.load_der_x509_certificate(twice), issuer])

    return issuing(make)


def pem(certificates: Sequence[x509.Certificate]) -> bytes:
    """The certificates as a CA sends them."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _from_now(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days, hours=-1)
