"""One file of certificates and keys: PEM, DER, PKCS #7, PKCS #12."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs7

from kmtui.core import inspection, keys
from kmtui.core.errors import InvalidInput
from kmtui.core.formats import pkcs12
from kmtui.core.formats.work import refuse_costly
from kmtui.core.imports.pool import Pool
from kmtui.core.imports.tree import FIELD, Tree
from kmtui.core.inspection import PemBlock
from kmtui.text import Secret

PASSWORD_FIELD = "password-file"  # noqa: S105 - the name of an option
"""The option and form field for the password of keys and stores."""

Password = Secret[bytes] | None


@dataclass(slots=True)
class Pieces:
    """What one file holds; nothing at all when it is a file of another kind."""

    certificates: list[x509.Certificate] = field(default_factory=list)
    keys: list[keys.PrivateKey] = field(default_factory=list)

    def pour(self, pool: Pool, where: str) -> bool:
        """Add all of it to a pool; whether there was anything. Raises InvalidInput."""
        with naming(where):
            for certificate in self.certificates:
                pool.add_certificate(certificate, where)
            for key in self.keys:
                pool.add_key(key)
        return bool(self.certificates or self.keys)


def read(content: bytes, where: str, password: Password = None) -> Pieces:
    """What is in a file; all of it or, with InvalidInput that names the file, nothing.

    Takes some milliseconds, for a key under a password some seconds: call it in a thread.
    """
    with naming(where):
        if content.startswith(_JAVA):
            raise InvalidInput(
                "a Java keystore",
                hint="keytool -importkeystore -deststoretype PKCS12 makes a PKCS #12 file of it",
            )
        if b"-----BEGIN " in content:
            return _read_pem(content, password)
        reader = _BY_FIRST_VALUE.get(_first_value(content))
        return reader(content, password) if reader else Pieces()


def pour(tree: Tree, path: str, pool: Pool, password: Password) -> bool:
    """Read a file into a pool; whether there was anything in it. Raises InvalidInput."""
    content = tree.read(path)
    if content is None:
        return False
    return read(content, tree.shown(path), password).pour(pool, tree.shown(path))


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Puts the file's name in front of what is wrong with it."""
    try:
        yield
    except InvalidInput as error:
        about_password = error.field == "password"
        raise InvalidInput(
            f"{where}: {error.message}",
            field=PASSWORD_FIELD if about_password else FIELD,
            hint=error.hint or ("give --password-file FILE" if about_password else ""),
        ) from error


def _read_pem(content: bytes, password: Password) -> Pieces:
    pieces = Pieces()
    for block in inspection.pem_blocks(content):
        if block.label in _CERTIFICATES:
            pieces.certificates.append(_certificate(block.octets))
        elif block.label in _KEYS:
            pieces.keys.append(_pem_key(block, password))
        elif block.label == "PKCS7":
            pieces.certificates += _pkcs7(block.octets, None).certificates
    return pieces


def _pem_key(block: PemBlock, password: Password) -> keys.PrivateKey:
    # The old way to encrypt has its parameters in headers, and hashes once.
    if not block.encrypted:
        refuse_costly(block.octets)
    return keys.load_private_key(
        block.text.encode("ascii", "replace"),
        password.reveal() if password else None,
        check_numbers=False,
    )


def _certificate(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise InvalidInput(f"unreadable certificate: {error}") from error


def _der_certificate(content: bytes, _: Password) -> Pieces:
    return Pieces(certificates=[_certificate(content)])


def _der_key(content: bytes, password: Password) -> Pieces:
    refuse_costly(content)
    try:
        key = load_der_private_key(content, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("this is no private key that can be read") from error
    return Pieces(keys=[keys.usable(key)])


def _pkcs7(content: bytes, _: Password) -> Pieces:
    try:
        return Pieces(certificates=list(pkcs7.load_der_pkcs7_certificates(content)))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"this is no PKCS #7 with certificates: {error}") from error


def _pkcs12(content: bytes, password: Password) -> Pieces:
    refuse_costly(content)
    certificates, key = pkcs12.read(content, password.reveal() if password else None)
    return Pieces(list(certificates), [] if key is None else [key])


def _first_value(content: bytes) -> bytes:
    """What a DER sequence begins with: a tag, the next one within, or a small number."""
    if content[:1] != b"\x30" or len(content) < 2:
        return b""
    first = content[_header(content) :]
    if len(first) < 2:
        return b""
    match first[:1]:
        case b"\x30":
            return b"\x30" + first[_header(first) :][:1]
        case b"\x02":
            return first[:3]
        case tag:
            return tag


def _header(content: bytes) -> int:
    """Octets of a value's tag and length (X.690 section 8.1.3)."""
    return 2 + (content[1] & 0x7F if content[1] & 0x80 else 0)


_JAVA = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
"""How keystores of type JKS and JCEKS begin."""
_CERTIFICATES = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_KEYS = frozenset({"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"})
_BY_FIRST_VALUE: dict[bytes, Callable[[bytes, Password], Pieces]] = {
    b"\x30\xa0": _der_certificate,  # tbsCertificate, version (RFC 5280 section 4.1)
    b"\x06": _pkcs7,  # contentType (RFC 5652 section 3)
    b"\x02\x01\x03": _pkcs12,  # version 3 (RFC 7292 section 4)
    b"\x02\x01\x00": _der_key,  # version 0: PKCS #8 (RFC 5958) or PKCS #1
    b"\x02\x01\x01": _der_key,  # version 1: SEC 1 (RFC 5915)
}
"""What a file in DER is, by the value it begins with."""
