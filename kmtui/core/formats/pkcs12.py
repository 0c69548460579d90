"""PKCS #12 (RFC 7292): key and chain in one file under a password."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    KeySerializationEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES

from kmtui.core.errors import InvalidInput
from kmtui.core.formats.material import Material
from kmtui.core.keys import PrivateKey, usable

ROUNDS = 50_000
"""Of PBKDF2. More would protect nothing: the integrity check beside it stays at 2048 rounds,
whatever is asked for, and guesses would be made there. What protects the key is a password that
cannot be guessed; and while rounds are counted, no other thread of this process runs."""
LEGACY_ROUNDS = 2048
"""What programs of that age wrote themselves; some refuse more."""


def modern(material: Material, password: str) -> bytes:
    """AES-256-CBC under PBKDF2 with SHA-256, and a SHA-256 MAC."""
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS)
    builder = builder.key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC).hmac_hash(SHA256())
    return _written(material, builder.build(password.encode()))


def legacy(material: Material, password: str) -> bytes:
    """Triple DES and SHA-1, which is all that old programs can open (RFC 7292 appendix C)."""
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(LEGACY_ROUNDS)
    builder = builder.key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
    return _written(material, builder.hmac_hash(SHA1()).build(password.encode()))  # noqa: S303


def read(
    content: bytes, password: bytes | None
) -> tuple[tuple[x509.Certificate, ...], PrivateKey | None]:
    """The certificates of a file, the key's own first, and the key.

    Raises InvalidInput (field ``password`` when that is missing or wrong). Call `refuse_costly`
    first.
    """
    for word in _words(password):
        try:
            store = pkcs12.load_pkcs12(content, word)
        except ValueError as error:
            refused = error
            continue
        except UnsupportedAlgorithm as error:
            raise InvalidInput(f"a PKCS #12 file with unknown ciphers: {error}") from error
        leaf = [store.cert] if store.cert else []
        chain = tuple(each.certificate for each in [*leaf, *store.additional_certs])
        return chain, None if store.key is None else usable(store.key)
    if "password" not in str(refused).lower():
        raise InvalidInput("this is no PKCS #12 file that can be read") from refused
    raise InvalidInput(
        "the password does not open it" if password else "it is under a password",
        field="password",
    ) from refused


def _words(password: bytes | None) -> Iterator[bytes | None]:
    """What to try: without a password, programs write an empty one or none."""
    yield password or None
    if not password:
        yield b""


def _written(material: Material, encryption: KeySerializationEncryption) -> bytes:
    leaf, *issuers = material.chain
    return pkcs12.serialize_key_and_certificates(
        material.name.encode(), material.key, leaf, issuers, encryption
    )
