"""The Java keystore of Sun's own format (JKS, version 2), written for one key and its chain.

No library that is kept up writes it. The format is what `java.security.KeyStore` of type ``JKS``
reads: big-endian numbers, strings as of `java.io.DataOutput.writeUTF`, and a keyed digest at the
end. Its protection is that of 1996: SHA-1, once. Only a password that cannot be guessed protects
the key.
"""

from __future__ import annotations

import hashlib
import secrets
import struct

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kmtui.core.errors import Refused
from kmtui.core.formats.material import Material
from kmtui.core.keys import PrivateKey

MAGIC = 0xFEEDFEED
VERSION = 2
PRIVATE_KEY_ENTRY = 1
WHITENER = b"Mighty Aphrodite"
"""Between the password and what is digested, in every keystore of this format."""
SALT_OCTETS = 20
_KEY_PROTECTOR = bytes.fromhex("300e 060a 2b060104012a02110101 0500")
"""AlgorithmIdentifier of Sun's key protection: OID 1.3.6.1.4.1.42.2.17.1.1, no parameters."""


def jks(material: Material, password: str) -> bytes:
    """A keystore with one private key entry; `password` is the key's as well, as servers expect.

    Raises Refused without a key, or for a name that the format has no room for.
    """
    if material.key is None:
        raise Refused("a Java keystore is written for a key, and there is none")
    secret = password.encode("utf-16-be", "surrogatepass")
    begins = material.chain[0].not_valid_before_utc
    entry = [
        struct.pack(">I", PRIVATE_KEY_ENTRY),
        # Java looks aliases up in lower case.
        _utf(material.name.lower()),
        # The entry's date, which only lists show.
        struct.pack(">q", int(begins.timestamp() * 1000)),
        _octets(_protected(material.key, secret)),
        struct.pack(">I", len(material.chain)),
    ]
    for certificate in material.chain:
        entry += [_utf("X.509"), _octets(certificate.public_bytes(Encoding.DER))]
    content = struct.pack(">III", MAGIC, VERSION, 1) + b"".join(entry)
    return content + hashlib.sha1(secret + WHITENER + content).digest()  # noqa: S324


def _protected(key: PrivateKey, secret: bytes) -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5958 section 3): salt, the key under a key stream, a digest."""
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt = secrets.token_bytes(SALT_OCTETS)
    hidden = bytes(a ^ b for a, b in zip(plain, _stream(secret, salt, len(plain)), strict=True))
    check = hashlib.sha1(secret + plain).digest()  # noqa: S324
    return _der(0x30, _KEY_PROTECTOR + _der(0x04, salt + hidden + check))


def _stream(secret: bytes, salt: bytes, length: int) -> bytes:
    """Each block is the digest of the password and the block before."""
    blocks, block = b"", salt
    while len(blocks) < length:
        block = hashlib.sha1(secret + block).digest()  # noqa: S324
        blocks += block
    return blocks[:length]


def _der(tag: int, content: bytes) -> bytes:
    """A DER value (X.690 section 8.1.3)."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _octets(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _utf(text: str) -> bytes:
    """Modified UTF-8: each UTF-16 unit by itself, and a zero in two octets."""
    units = text.encode("utf-16-be", "surrogatepass")
    encoded = b"".join(
        chr(int.from_bytes(units[at : at + 2], "big")).encode("utf-8", "surrogatepass")
        for at in range(0, len(units), 2)
    ).replace(b"\0", b"\xc0\x80")
    if len(encoded) > 0xFFFF:
        raise Refused("the name is too long for a Java keystore", hint="give it a shorter label")
    return struct.pack(">H", len(encoded)) + encoded
