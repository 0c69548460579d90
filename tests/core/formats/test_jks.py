"""Java keystores: what is written opens with Java's keytool and with a reader of another hand."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from kmtui.core import keys
from kmtui.core.errors import Refused
from kmtui.core.formats.jks import jks
from kmtui.core.formats.material import Material
from tests.core.formats import keystore
from tests.core.issuer import called, chain_of_issuers
from tests.servers.process import binary

PASSWORD = "a long pass phrase"


def material(name: str = "shop", key_type: str = "ec256") -> Material:
    _, intermediate = chain_of_issuers()
    key = keys.generate(key_type)
    # Java refuses an empty subject unless the names are marked critical (RFC 5280 4.2.1.6).
    leaf = intermediate.issue(["shop.example.org"], key, subject=called("shop.example.org"))
    return Material(name, (leaf, intermediate.certificate), key)


SHOP = material()


def test_the_reader_of_these_tests_reads_what_java_wrote() -> None:
    entry = keystore.read(keystore.KNOWN, keystore.KNOWN_PASSWORD)

    key = load_der_private_key(entry.key, None)
    assert entry.alias == "shop ü"
    assert [hashlib.sha256(der).hexdigest() for der in entry.chain] == [keystore.KNOWN_SHA256]
    assert keys.key_type_of(key) == "ec256"


@pytest.mark.parametrize("key_type", ["ec256", "ec384", "rsa2048"])
def test_key_chain_and_date_come_out_again(key_type: str) -> None:
    written = material(key_type=key_type)

    entry = keystore.read(jks(written, PASSWORD), PASSWORD)

    assert keys.spki(load_der_private_key(entry.key, None)) == keys.spki(  # type: ignore[arg-type]
        written.chain[0].public_key()
    )
    assert entry.chain == tuple(each.public_bytes(Encoding.DER) for each in written.chain)
    assert entry.created_ms == written.chain[0].not_valid_before_utc.timestamp() * 1000


@settings(deadline=None, max_examples=200)
@given(
    name=st.text(max_size=100),
    password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100),
)
def test_any_name_and_password_come_out_again(name: str, password: str) -> None:
    content = jks(Material(name, SHOP.chain, SHOP.key), password)

    assert keystore.read(content, password).alias == name.lower()
    with pytest.raises(keystore.WrongPassword):
        keystore.read(content, password + "x")


def test_the_same_key_looks_different_each_time() -> None:
    assert jks(SHOP, PASSWORD) != jks(SHOP, PASSWORD)


def test_without_a_key_or_with_an_endless_name_nothing_is_written() -> None:
    with pytest.raises(Refused, match="there is none"):
        jks(Material("shop", SHOP.chain), PASSWORD)
    with pytest.raises(Refused, match="too long"):
        jks(Material("ü" * 40_000, SHOP.chain, SHOP.key), PASSWORD)


@pytest.mark.parametrize("key_type", ["ec384", "rsa2048"])
def test_java_reads_the_key_and_the_chain(tmp_path: Path, key_type: str) -> None:
    written = material("Shop", key_type)
    (tmp_path / "store.jks").write_bytes(jks(written, PASSWORD))
    (tmp_path / "password").write_text(PASSWORD)

    subprocess.run(
        [
            *(binary("keytool"), "-importkeystore", "-noprompt"),
            *("-srckeystore", tmp_path / "store.jks", "-srcstoretype", "JKS"),
            *("-srcalias", "shop", "-srckeypass:file", tmp_path / "password"),
            *("-srcstorepass:file", tmp_path / "password"),
            *("-destkeystore", tmp_path / "store.p12", "-deststoretype", "PKCS12"),
            *("-deststorepass:file", tmp_path / "password"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )

    store = pkcs12.load_pkcs12((tmp_path / "store.p12").read_bytes(), PASSWORD.encode())
    assert keys.spki(store.key) == keys.spki(written.chain[0].public_key())  # type: ignore[arg-type]
    assert store.cert is not None
    assert (store.cert.certificate, *[each.certificate for each in store.additional_certs]) == (
        written.chain
    )
