"""Account keys: written so that they can be read back, and read as other clients keep them."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import josepy
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core import keys
from kmtui.core.account_keys import (
    FORMATS,
    MOST,
    parse_account_key,
    read_account_key,
    to_jwk,
)
from kmtui.core.acme import thumbprint
from kmtui.core.errors import InvalidInput
from kmtui.core.keys import PrivateKey

KEYS: dict[str, PrivateKey] = {
    "rsa2048": rsa.generate_private_key(65537, 2048),
    "ec256": ec.generate_private_key(ec.SECP256R1()),
    "ec384": ec.generate_private_key(ec.SECP384R1()),
    "ec521": ec.generate_private_key(ec.SECP521R1()),
}
EC = KEYS["ec256"]
URL = "https://ca.test/acct/7"


def jwk(key: PrivateKey, **changes: Any) -> str:
    return json.dumps({**json.loads(to_jwk(key)), **changes})


def traditional(key: PrivateKey) -> str:
    """PKCS#1 or SEC1, as acme.sh and lego write them."""
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_exported_is_the_same_key_when_it_is_read(key: PrivateKey, format_: str) -> None:
    assert thumbprint(parse_account_key(FORMATS[format_](key).decode())) == thumbprint(key)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_another_library_reads_our_jwk_and_we_read_its(key: PrivateKey) -> None:
    theirs = josepy.JWK.from_json(json.loads(to_jwk(key)))
    assert josepy.b64.b64encode(theirs.thumbprint()).decode() == thumbprint(key)

    assert thumbprint(parse_account_key(json.dumps(theirs.to_json()))) == thumbprint(key)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_the_older_pem_forms_are_read(key: PrivateKey) -> None:
    assert thumbprint(parse_account_key(traditional(key))) == thumbprint(key)


def test_an_rsa_jwk_may_leave_its_factors_out() -> None:
    whole = json.loads(to_jwk(KEYS["rsa2048"]))
    bare = {name: whole[name] for name in ("kty", "n", "e", "d")}

    assert thumbprint(parse_account_key(json.dumps(bare))) == thumbprint(KEYS["rsa2048"])


# --- files of other clients -----------------------------------------------------------------------


def certbot(home: Path) -> Path:
    (home / "private_key.json").write_text(jwk(KEYS["rsa2048"]))
    (home / "regr.json").write_text(json.dumps({"body": {}, "uri": URL}))
    return home / "regr.json"


def lego(home: Path) -> Path:
    (home / "keys").mkdir()
    (home / "keys" / "ops@example.org.key").write_text(traditional(KEYS["ec384"]))
    account = {"email": "ops@example.org", "registration": {"body": {}, "uri": URL}}
    (home / "account.json").write_text(json.dumps(account))
    return home / "account.json"


def caddy(home: Path) -> Path:
    (home / "ops.key").write_text(traditional(EC))
    account = {"status": "valid", "contact": ["mailto:ops@example.org"], "location": URL}
    (home / "ops.json").write_text(json.dumps(account))
    return home / "ops.json"


@pytest.mark.parametrize(
    ("client", "key"), [(certbot, "rsa2048"), (lego, "ec384"), (caddy, "ec256")]
)
def test_what_a_client_notes_of_an_account_leads_to_its_key(
    tmp_path: Path, client: Any, key: str
) -> None:
    found = read_account_key(client(tmp_path))

    assert (thumbprint(found.key), found.account_url) == (thumbprint(KEYS[key]), URL)
    assert "rsa" not in repr(found).lower()


def test_acme_sh_keeps_its_key_as_pem(tmp_path: Path) -> None:
    path = tmp_path / "account.key"
    path.write_text(traditional(KEYS["rsa2048"]))

    assert thumbprint(read_account_key(path).key) == thumbprint(KEYS["rsa2048"])


def test_a_note_without_its_key_says_which_file_to_give(tmp_path: Path) -> None:
    path = certbot(tmp_path)
    (tmp_path / "private_key.json").unlink()

    with pytest.raises(InvalidInput, match="not its key") as caught:
        read_account_key(path)

    assert str(tmp_path / "private_key.json") in caught.value.hint


def test_a_note_beside_several_keys_asks_which(tmp_path: Path) -> None:
    path = lego(tmp_path)
    (tmp_path / "keys" / "second.key").write_text("x")

    with pytest.raises(InvalidInput) as caught:
        read_account_key(path)

    assert "second.key" in caught.value.hint


# --- what is no key -------------------------------------------------------------------------------

ENCRYPTED = EC.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
).decode()
ED25519 = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
KOBLITZ = keys.to_pem(ec.generate_private_key(ec.SECP256K1())).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no private key in PEM form"),
        ("{", "not readable as JSON"),
        ("[" * 5000, "no private key"),
        ('{"a":' * 5000, "not readable as JSON"),
        ("{}", "no member kty"),
        ('{"kty": "oct", "k": "c2VjcmV0"}', "type oct"),
        ('{"kty": 7}', "no member kty"),
        (jwk(EC, d=None), "damaged"),
        (jwk(EC, d="c2VjcmV0"), "damaged"),
        (jwk(EC, x="***"), "damaged"),
        (jwk(EC, crv="P-512"), "P-256"),
        (jwk(KEYS["rsa2048"], p="Aw"), "damaged"),
        (jwk(KEYS["rsa2048"], n="_" * 3000), "8192 bits"),
        (ENCRYPTED, "encrypted"),
        (ED25519, "ed25519"),
        (KOBLITZ, "cannot sign ACME"),
    ],
)
def test_what_is_no_account_key_is_refused_in_plain_words(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        parse_account_key(text)

    assert caught.value.field == "key"
    assert "c2VjcmV0" not in f"{caught.value} {caught.value.hint}"


@given(st.text() | st.from_regex(r'\{"kty": ?"(RSA|EC)", ?"[a-z]+": ?"[^"]*"\}', fullmatch=True))
def test_any_text_is_a_key_or_bad_input(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_account_key(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * (MOST + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "other.json").write_text('{"schema": 1}')
    for name in ("missing", "long", "binary", "other.json", "."):
        with pytest.raises(InvalidInput) as caught:
            read_account_key(tmp_path / name)
        assert caught.value.field == "key"


# --- made to keep somebody busy -------------------------------------------------------------------

PRIME = 2**2203 - 1
"""In the place of a modulus it has no factors to be found, however long one looks."""


def base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@pytest.mark.parametrize("bits", [2203, 6000, 300_000])
def test_numbers_without_factors_keep_nobody_busy(bits: int) -> None:
    exponent = pow(65537, -1, PRIME - 1) + (PRIME - 1) * ((1 << (bits - 2203)) - 1)
    members = {"n": PRIME, "e": 65537, "d": exponent}
    hostile = {"kty": "RSA", **{name: base64url(number) for name, number in members.items()}}
    began = time.monotonic()

    with pytest.raises(InvalidInput, match=r"JWK|RSA"):
        parse_account_key(json.dumps(hostile))

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("header", ["", "Comment: none\n\n"])
def test_numbers_longer_than_those_of_any_key_are_refused_at_once(header: str) -> None:
    """Two primes of 9,689 and 9,941 bits: a library takes a minute to see that they are."""
    p, q = 2**9689 - 1, 2**9941 - 1
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = (0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    body = b"".join(der(0x02, each.to_bytes(each.bit_length() // 8 + 1, "big")) for each in numbers)
    text = base64.encodebytes(der(0x30, body)).decode()
    began = time.monotonic()

    with pytest.raises(InvalidInput, match="too long"):
        parse_account_key(
            f"-----BEGIN RSA PRIVATE KEY-----\n{header}{text}-----END RSA PRIVATE KEY-----\n"
        )

    assert time.monotonic() - began < 5


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
