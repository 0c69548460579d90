"""Files that ask for hours of work are told from honest ones before they are opened."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core import keys
from kmtui.core.errors import InvalidInput
from kmtui.core.formats.pkcs12 import legacy, modern
from kmtui.core.formats.work import refuse_costly
from tests.core.formats.test_jks import PASSWORD, SHOP

HOURS = (2**31 - 1).to_bytes(4, "big")
LEGACY = bytes.fromhex("060a2a864886f70d010c0103")
"""The OID of password-based Triple DES (RFC 7292 appendix C)."""


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    head = bytes([tag, size]) if size < 0x80 else bytes([tag, 0x82]) + size.to_bytes(2, "big")
    return head + content


def endless(tag: int, *parts: bytes) -> bytes:
    """With an indefinite length."""
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


PARAMETERS = der(0x30, LEGACY, der(0x30, der(0x04, b"saltsalt"), der(0x02, HOURS)))


def test_honest_stores_pass() -> None:
    old = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2048).build(b"password")

    refuse_costly(modern(SHOP, PASSWORD))
    refuse_costly(legacy(SHOP, PASSWORD))
    refuse_costly(pkcs12.serialize_key_and_certificates(b"x", SHOP.key, SHOP.chain[0], None, old))


@pytest.mark.parametrize("format_", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("key_type", ["ec256", "ec384", "rsa4096"])
def test_honest_keys_pass(key_type: str, format_: PrivateFormat) -> None:
    key = keys.generate(key_type)

    refuse_costly(key.private_bytes(Encoding.DER, format_, NoEncryption()))
    if format_ == PrivateFormat.PKCS8:
        refuse_costly(key.private_bytes(Encoding.DER, format_, BestAvailableEncryption(b"pw")))


@pytest.mark.parametrize(
    "content",
    [
        PARAMETERS,
        der(0x30, der(0x04, PARAMETERS)),
        der(0x30, der(0x04, PARAMETERS + b"\xff\xff")),
        der(0x30, der(0x24, der(0x04, PARAMETERS[:9]), der(0x04, PARAMETERS[9:]))),
        endless(0x30, endless(0xA0, endless(0x24, der(0x04, PARAMETERS)))),
        der(0x30, der(0x31, b"\x30\x7f"), PARAMETERS),
        der(0x30, b"\x3f\x81\x01\x01\x00", PARAMETERS),
        der(0x30, der(0x04, b"salt"), der(0x02, b"\0" + b"\xff" * 7)),
    ],
    ids=[
        *("plain", "wrapped", "with a tail", "in pieces", "without lengths", "after nonsense"),
        *("after a long tag", "longer than a machine word"),
    ],
)
def test_hours_of_hashing_are_refused_wherever_they_are_written(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="rounds"):
        refuse_costly(content)


def test_a_store_changed_to_hours_is_refused() -> None:
    content = modern(SHOP, PASSWORD)
    rounds = der(0x02, (50_000).to_bytes(3, "big"))
    assert rounds in content

    with pytest.raises(InvalidInput, match="rounds"):
        refuse_costly(content.replace(rounds, der(0x02, b"\x7f\xff\xff")))


def test_a_number_longer_than_any_key_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too long"):
        refuse_costly(der(0x30, der(0x02, b"\x01" * 1026)))


@pytest.mark.parametrize("nested", [b"\x30\x80" * 50_000, b"\x24\x80" * 20 + b"\x30\x80" * 9_000])
def test_endless_nesting_is_refused_and_does_not_run_out_of_stack(nested: bytes) -> None:
    deep = b"\x02\x01\x00"
    for _ in range(40):
        deep = der(0x30, deep)

    with pytest.raises(InvalidInput, match="nested"):
        refuse_costly(deep)
    with pytest.raises(InvalidInput, match="nested"):
        refuse_costly(nested)


@given(st.binary(max_size=2000))
def test_any_octets_pass_or_are_refused(content: bytes) -> None:
    with suppress(InvalidInput):
        refuse_costly(content)
