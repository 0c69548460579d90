"""PKCS #12: what is written opens in Java, what others wrote opens here."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs12,
)

from kmtui.core import keys
from kmtui.core.errors import InvalidInput
from kmtui.core.formats.material import Material
from kmtui.core.formats.pkcs12 import legacy, modern, read
from tests.core.formats.test_jks import PASSWORD, SHOP
from tests.servers.process import binary

Write = Callable[[Material, str], bytes]


@pytest.mark.parametrize("write", [modern, legacy])
def test_java_finds_the_key_and_its_whole_chain(tmp_path: Path, write: Write) -> None:
    (tmp_path / "store.p12").write_bytes(write(SHOP, PASSWORD))
    (tmp_path / "password").write_text(PASSWORD)

    told = subprocess.run(
        [
            *(binary("keytool"), "-list", "-v", "-storetype", "PKCS12"),
            *("-keystore", tmp_path / "store.p12", "-storepass:file", tmp_path / "password"),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout

    assert "Alias name: shop" in told
    assert "Entry type: PrivateKeyEntry" in told
    assert "Certificate chain length: 2" in told


@pytest.mark.parametrize("write", [modern, legacy])
def test_what_is_written_is_read_again(write: Write) -> None:
    certificates, key = read(write(SHOP, PASSWORD), PASSWORD.encode())

    assert certificates == SHOP.chain
    assert key is not None
    assert keys.spki(key) == keys.spki(SHOP.chain[0].public_key())


def test_a_store_of_certificates_alone_has_no_key() -> None:
    content = pkcs12.serialize_key_and_certificates(
        None, None, SHOP.chain[0], SHOP.chain[1:], BestAvailableEncryption(PASSWORD.encode())
    )

    certificates, key = read(content, PASSWORD.encode())

    assert set(certificates) == set(SHOP.chain)
    assert key is None


def test_one_without_a_password_needs_none() -> None:
    content = pkcs12.serialize_key_and_certificates(
        b"shop", SHOP.key, SHOP.chain[0], None, NoEncryption()
    )

    certificates, key = read(content, None)

    assert certificates == SHOP.chain[:1]
    assert key is not None


@pytest.mark.parametrize("password", [None, b"", b"guessed"])
def test_a_password_that_does_not_open_it_is_told_as_such(password: bytes | None) -> None:
    with pytest.raises(InvalidInput, match="password") as caught:
        read(modern(SHOP, PASSWORD), password)

    assert caught.value.field == "password"


def test_what_is_no_store_is_told_as_such() -> None:
    with pytest.raises(InvalidInput, match="no PKCS #12"):
        read(b"\x30\x03\x02\x01\x03", b"password")
