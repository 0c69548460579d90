"""A reader of Java keystores of type JKS, written after what Java itself reads and nothing of ours.

`KNOWN` was made by Java 17's keytool; the tests read it first.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from io import BytesIO

KNOWN_PASSWORD = "known pass"
KNOWN_SHA256 = "ad1b78d8af18e6848e812039a7d82086c8df68c1c1bdd06bbbfeac7c78ef993c"
KNOWN = base64.b64decode(
    """
/u3+7QAAAAIAAAABAAAAAQAHc2hvcCDDvAAAAaIJWUpSAAAAfzB9MA4GCisGAQQBKgIRAQEFAARrYI6mHKEkn4ddlBVn0y+K
CpEpR7MjxmKjphsoUxRxhM+nBhnIylu3MnBAtVD1IRJeFIAduJ/fVRgFbSoKIW+AyhwSH8/j9fdIcCVDLjoMPaUYqst+sjbp
ZEGrVMcb/ph9rRMrmfnqVi9/y80AAAABAAVYLjUwOQAAAW8wggFrMIIBEaADAgECAgkAudze9N1vO90wCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAxMQc2hvcC5leGFtcGxlLm9yZzAeFw0yNjExMjMxNjU5MzZaFw0yNjExMjQxNjU5MzZaMBsxGTAXBgNVBAMT
EHNob3AuZXhhbXBsZS5vcmcwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASdNnRBXdD22gPHZWQDji/vlif5bt3pF9NexnAV
urEjiSIodZSyioSbyEJ5YMP9mgSwApWwanoBE0rzt07Tzf2Aoz4wPDAdBgNVHQ4EFgQU53CsToWlXWXeGXu0oWnoV3om1Wsw
GwYDVR0RBBQwEoIQc2hvcC5leGFtcGxlLm9yZzAKBggqhkjOPQQDAgNIADBFAiBN5aA6cSj2HwnQyXKsuShOe4OzrcTPDD0s
mGFBRG+sZQIhAKAzq1tfi50L3BECn3Fxk5bOtaHyoBAviXU6L25UybBQ0VPzpgAHr+iGs7VCCew0s4188fg=
"""
)


@dataclass(frozen=True)
class Entry:
    """The only entry of a keystore: a private key (PKCS #8, DER) and its chain (DER)."""

    alias: str
    created_ms: int
    key: bytes
    chain: tuple[bytes, ...]


class WrongPassword(Exception):
    """A digest does not come out: another password, or a damaged keystore."""


def read(content: bytes, password: str) -> Entry:
    """The entry of a keystore that has one. Raises WrongPassword."""
    secret = password.encode("utf-16-be")
    body, digest = content[:-20], content[-20:]
    if hashlib.sha1(secret + b"Mighty Aphrodite" + body).digest() != digest:
        raise WrongPassword("the keystore")
    stream = BytesIO(body)
    assert [_number(stream, 4) for _ in range(4)] == [0xFEEDFEED, 2, 1, 1]
    alias, created = _text(stream), _number(stream, 8)
    key = _unprotected(_content(stream), secret)
    chain = []
    for _ in range(_number(stream, 4)):
        assert _text(stream) == "X.509"
        chain.append(_content(stream))
    assert stream.read() == b""
    return Entry(alias, created, key, tuple(chain))


def _unprotected(info: bytes, secret: bytes) -> bytes:
    """What Sun's protector has hidden: 20 octets of salt, the key, 20 octets of digest."""
    algorithm, hidden = _values(_values(info)[0][1])
    assert algorithm[1] == bytes.fromhex("060a2b060104012a021101010500")
    assert (algorithm[0], hidden[0]) == (0x30, 0x04)
    salt, covered, digest = hidden[1][:20], hidden[1][20:-20], hidden[1][-20:]
    plain = bytearray()
    block = salt
    for position in range(0, len(covered), 20):
        block = hashlib.sha1(secret + block).digest()
        plain += bytes(a ^ b for a, b in zip(covered[position:], block, strict=False))
    if hashlib.sha1(secret + plain).digest() != digest:
        raise WrongPassword("the key")
    return bytes(plain)


def _values(der: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each DER value in a row."""
    found = []
    while der:
        tag, size, begin = der[0], der[1], 2
        if size & 0x80:
            begin += size & 0x7F
            size = int.from_bytes(der[2:begin], "big")
        found.append((tag, der[begin : begin + size]))
        der = der[begin + size :]
    return found


def _number(stream: BytesIO, octets: int) -> int:
    return int.from_bytes(stream.read(octets), "big")


def _text(stream: BytesIO) -> str:
    """Modified UTF-8: UTF-16 units one by one, which Python joins again by way of UTF-16."""
    encoded = stream.read(_number(stream, 2)).replace(b"\xc0\x80", b"\0")
    units = encoded.decode("utf-8", "surrogatepass")
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


def _content(stream: BytesIO) -> bytes:
    return stream.read(_number(stream, 4))
