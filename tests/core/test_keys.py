"""Keys and certificate requests: what is made can be read, and bad files are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from kmtui.core import keys
from kmtui.core.errors import InvalidInput
from kmtui.model import KeyType
from tests.core.issuer import called

NAMES = ("example.org", "*.example.org", "xn--bcher-kva.test", "192.0.2.7", "2001:db8::1")


@pytest.fixture(scope="module")
def key() -> keys.PrivateKey:
    return keys.generate(KeyType.EC256)


def request(
    key: keys.PrivateKey | ed25519.Ed25519PrivateKey,
    *names: x509.GeneralName,
    subject: x509.Name | None = None,
    encoding: Encoding = Encoding.PEM,
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject or x509.Name([]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(encoding)


@pytest.mark.parametrize("key_type", list(KeyType))
def test_a_generated_key_is_of_the_type_asked_for_and_survives_pem(key_type: KeyType) -> None:
    key = keys.generate(key_type)

    again = keys.load_private_key(keys.to_pem(key))

    assert keys.key_type_of(again) == key_type
    assert keys.key_type_of(again.public_key()) == key_type
    assert keys.spki_sha256(again) == keys.spki_sha256(key)
    assert keys.to_pem(key).startswith(b"-----BEGIN PRIVATE KEY-----")


def test_an_unknown_key_type_is_bad_input() -> None:
    with pytest.raises(InvalidInput, match="dsa1024") as caught:
        keys.generate("dsa1024")
    assert caught.value.field == "key_type"
    assert "ec256" in caught.value.hint


def test_other_keys_have_a_word_of_their_own() -> None:
    assert keys.key_type_of(ec.generate_private_key(ec.SECP521R1())) == "ec521"
    assert keys.key_type_of(ec.generate_private_key(ec.SECP256K1())) == "secp256k1"
    assert keys.key_type_of(ed25519.Ed25519PrivateKey.generate()) == "ed25519"
    assert keys.key_type_of(rsa.generate_private_key(65537, 1024).public_key()) == "rsa1024"


def test_the_spki_fingerprint_is_over_the_public_key_info(key: keys.PrivateKey) -> None:
    expected = hashlib.sha256(keys.spki(key)).hexdigest()

    assert keys.spki_sha256(key.public_key()) == expected


@pytest.mark.parametrize(
    "form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["pkcs8", "traditional"]
)
def test_encrypted_keys_need_their_password(key: keys.PrivateKey, form: PrivateFormat) -> None:
    pem = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"open sesame"))

    assert keys.spki(keys.load_private_key(pem, b"open sesame")) == keys.spki(key)
    with pytest.raises(InvalidInput, match="give its password") as caught:
        keys.load_private_key(pem)
    assert caught.value.field == "password"
    with pytest.raises(InvalidInput, match="does not open") as caught:
        keys.load_private_key(pem, b"wrong")
    assert caught.value.field == "password"


def test_a_password_for_a_plain_key_does_no_harm(key: keys.PrivateKey) -> None:
    assert keys.spki(keys.load_private_key(keys.to_pem(key), b"unneeded")) == keys.spki(key)


def test_a_key_after_its_curve_parameters_is_read(key: keys.PrivateKey) -> None:
    """What ``openssl ecparam -genkey`` writes."""
    pem = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    assert keys.spki(keys.load_private_key(pem)) == keys.spki(key)


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (b"", "no private key"),
        (b"hello", "no private key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
        (b"-----BEGIN PRIVATE KEY-----\n", "damaged"),
        (b"-----BEGIN PRIVATE KEY-----" * 10_000, "too long"),
        (
            ed25519.Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "type ed25519",
        ),
    ],
    ids=["empty", "text", "certificate", "garbage", "cut", "huge", "ed25519"],
)
def test_what_is_no_usable_key_says_why_and_never_quotes_it(pem: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        keys.load_private_key(pem)
    assert caught.value.field == "key"
    assert "AAAA" not in str(caught.value)


@pytest.mark.parametrize("key_type", [KeyType.EC256, KeyType.EC384, KeyType.RSA2048])
def test_a_request_has_every_name_in_the_san_and_no_subject(key_type: KeyType) -> None:
    key = keys.generate(key_type)

    der = keys.csr(NAMES, key)

    request = x509.load_der_x509_csr(der)
    san = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == list(NAMES[:3])
    assert [str(ip) for ip in san.get_values_for_type(x509.IPAddress)] == list(NAMES[3:])
    assert len(request.subject) == 0
    assert len(request.extensions) == 1
    assert request.is_signature_valid


def test_a_request_of_ours_passes_our_own_check(key: keys.PrivateKey) -> None:
    der = keys.csr(NAMES, key)

    facts = keys.read_csr(der)

    assert facts.names == NAMES
    assert facts.key_type == KeyType.EC256
    assert facts.spki_sha256 == keys.spki_sha256(key)
    assert keys.check_csr(der, names=NAMES[::-1]) == facts.der == der


def test_a_pem_request_is_read_as_text_or_octets(key: keys.PrivateKey) -> None:
    pem = request(key, x509.DNSName("Example.org"))

    assert keys.read_csr(pem).names == ("example.org",)
    assert keys.read_csr(pem.decode()) == keys.read_csr(pem)


def test_the_common_name_counts_among_the_names(key: keys.PrivateKey) -> None:
    pem = request(key, x509.DNSName("www.example.org"), subject=called("example.org"))

    assert keys.read_csr(pem).names == ("example.org", "www.example.org")


def test_a_request_for_other_names_is_refused(key: keys.PrivateKey) -> None:
    pem = request(key, x509.DNSName("example.org"), x509.DNSName("extra.test"))

    with pytest.raises(InvalidInput, match=r"extra\.test, missing\.test") as caught:
        keys.check_csr(pem, names=("example.org", "missing.test"))
    assert caught.value.field == "csr"


def test_a_request_signed_with_another_key_is_refused(key: keys.PrivateKey) -> None:
    der = bytearray(keys.csr(["example.org"], key))
    der[-1] ^= 1

    with pytest.raises(InvalidInput, match=r"not signed with its own key|readable"):
        keys.read_csr(bytes(der))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "readable"),
        (b"hello", "readable"),
        (
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
            "readable",
        ),
        (b"x" * 100_000, "too long"),
        (request(keys.generate("ec256")), "at least one name"),
        (request(keys.generate("ec256"), x509.RFC822Name("a@example.org")), "RFC822Name"),
        (request(keys.generate("ec256"), subject=called("Example Ltd")), "Example Ltd"),
        (request(keys.generate("ec256"), x509.DNSName("a_b.test")), "underscore"),
        (request(ed25519.Ed25519PrivateKey.generate(), x509.DNSName("a.test")), "type ed25519"),
        (request(rsa.generate_private_key(65537, 1024), x509.DNSName("a.test")), "type rsa1024"),
    ],
    ids=["empty", "text", "pem", "huge", "no names", "e-mail", "cn", "label", "ed25519", "weak"],
)
def test_requests_no_ca_would_take_are_refused(text: bytes | str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        keys.read_csr(text)
    assert caught.value.field == "csr"


def test_openssl_style_file_with_text_before_the_request_is_read(
    key: keys.PrivateKey, tmp_path: Path
) -> None:
    file = tmp_path / "request.csr"
    file.write_bytes(b"Certificate Request:\n\n" + request(key, x509.DNSName("example.org")))

    assert keys.read_csr(file.read_bytes()).names == ("example.org",)
