"""The certificate chain a CA hands out as PEM text (RFC 8555 sections 7.4.2 and 9.1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core.acme.problems import violation

LARGEST_PEM = 256 * 1024
"""Bytes; a chain of ten RSA-4096 certificates has about 25 KB."""
LONGEST_CHAIN = 10
UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the parser raises about a certificate's insides, here or when they are first looked at."""
_MARK = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----")


@dataclass(frozen=True, slots=True)
class Chain:
    """A leaf certificate and the certificates leading from it towards a root."""

    pem: str
    """Leaf first, LF line ends, only CERTIFICATE blocks, ends with a newline."""
    certificates: tuple[x509.Certificate, ...]
    """The same, leaf first."""
    alternate_urls: tuple[str, ...] = ()
    """Other chains for the same leaf; download one with `AcmeClient.certificate`."""


def parse_chain(body: bytes, *, where: str, alternate_urls: Sequence[str] = ()) -> Chain:
    """The chain in a reply's body. Raises ProtocolViolation.

    Text around the blocks, blank lines and CRLF are tolerated; any block that is no certificate
    is not (RFC 8555 section 11.4), nor is one that cannot be read.
    """
    if len(body) > LARGEST_PEM:
        raise violation(f"the CA's chain is larger than {LARGEST_PEM} bytes", where=where)
    ders = _certificate_blocks(body.decode("ascii", "replace"), where)
    if not ders:
        raise violation("the CA's chain holds no certificate", where=where)
    if len(ders) > LONGEST_CHAIN:
        raise violation(f"the CA's chain holds more than {LONGEST_CHAIN} certificates", where=where)
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in dict.fromkeys(ders)]
        ordered = _leaf_first(certificates)
    except UNREADABLE as error:
        raise violation(
            "the CA's chain holds a certificate that cannot be read", where=where
        ) from error
    if ordered is None:
        raise violation("the CA's chain does not begin with the certificate asked for", where=where)
    return Chain(
        pem="".join(each.public_bytes(Encoding.PEM).decode() for each in ordered),
        certificates=tuple(ordered),
        alternate_urls=tuple(alternate_urls),
    )


def _certificate_blocks(text: str, where: str) -> list[bytes]:
    """The DER bytes of every block, by a single pass over the BEGIN and END marks."""
    blocks = []
    begin: re.Match[str] | None = None
    for mark in _MARK.finditer(text):
        if mark[2] != "CERTIFICATE":
            raise violation(
                f"the CA sent a {mark[2]} block where only certificates may be", where=where
            )
        if (mark[1] == "END") != (begin is not None):
            raise violation("the CA's chain has BEGIN and END lines that do not pair", where=where)
        if begin is None:
            begin = mark
            continue
        blocks.append(_der(text[begin.end() : mark.start()], where))
        begin = None
    if begin is not None:
        raise violation("the CA's chain breaks off inside a certificate", where=where)
    return blocks


def _der(base64_text: str, where: str) -> bytes:
    try:
        return base64.b64decode("".join(base64_text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise violation("the CA's chain holds a block that is not base64", where=where) from error


def _leaf_first(certificates: list[x509.Certificate]) -> list[x509.Certificate] | None:
    """The chain as it must be ordered (section 7.4.2), put right when the leaf came elsewhere."""
    if len(certificates) == 1 or not _is_ca(certificates[0]):
        return certificates
    leaves = [certificate for certificate in certificates if not _is_ca(certificate)]
    if len(leaves) != 1:
        return None
    ordered, rest = leaves, [each for each in certificates if each is not leaves[0]]
    while rest:
        issuer = next((each for each in rest if each.subject == ordered[-1].issuer), None)
        if issuer is None:
            return None
        rest.remove(issuer)
        ordered.append(issuer)
    return ordered


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False
