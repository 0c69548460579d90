"""Files of every kind that certificates and keys come in, and what is wrong with some."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.hazmat.primitives.serialization import pkcs12 as store

from kmtui.core import inspection, keys
from kmtui.core.errors import InvalidInput
from kmtui.core.formats import jks, pkcs12
from kmtui.core.formats.material import Material
from kmtui.core.imports.found import Found, FoundCertificate
from kmtui.core.imports.places import read_places
from kmtui.text import Secret
from tests.core.imports.made import (
    INTERMEDIATE,
    ISSUER,
    ROOT,
    ROOT_CERTIFICATE,
    Made,
    made,
    written,
)
from tests.core.issuer import Issuer, called

PASSWORD = Secret(b"a long pass phrase")
SHOP = made("shop.example.org")
CA = (x509.BasicConstraints(ca=True, path_length=None), True)


def material(each: Made) -> Material:
    return Material("shop", (each.leaf, ISSUER), each.key)


def only(found: Found) -> FoundCertificate:
    """The one certificate that was found, without trouble."""
    assert [trouble.error.message for trouble in found.troubles] == []
    (certificate,) = found.certificates
    return certificate


def encrypted(each: Made, format_: PrivateFormat = PrivateFormat.PKCS8) -> str:
    encryption = BestAvailableEncryption(PASSWORD.reveal())
    return each.key.private_bytes(Encoding.PEM, format_, encryption).decode()


def der_key(each: Made, format_: PrivateFormat) -> bytes:
    return each.key.private_bytes(Encoding.DER, format_, NoEncryption())


WHOLE = {
    "combined.pem": SHOP.key_pem + SHOP.fullchain_pem,
    "any order.pem": SHOP.chain_pem + "a comment\r\n" + SHOP.key_pem + SHOP.cert_pem,
    "encrypted.pem": SHOP.fullchain_pem + encrypted(SHOP),
    "old encrypted.pem": SHOP.fullchain_pem + encrypted(SHOP, PrivateFormat.TraditionalOpenSSL),
    "shop.p12": pkcs12.modern(material(SHOP), "a long pass phrase"),
    "legacy.pfx": pkcs12.legacy(material(SHOP), "a long pass phrase"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_key_and_chain_come_out_of_one_file(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, WHOLE[name])

    (version,) = only(read_places([path], PASSWORD)).versions

    assert version.facts.names == ("shop.example.org",)
    assert version.chain_pem == SHOP.fullchain_pem
    assert version.key_pem is not None
    assert version.key_pem.reveal().decode() == SHOP.key_pem
    assert version.where == str(path)


APART = {
    "pem": (SHOP.fullchain_pem, SHOP.key_pem),
    "der": (SHOP.leaf.public_bytes(Encoding.DER), der_key(SHOP, PrivateFormat.PKCS8)),
    "sec1": (SHOP.cert_pem, der_key(SHOP, PrivateFormat.TraditionalOpenSSL)),
    "p7b": (
        pkcs7.serialize_certificates([ISSUER, SHOP.leaf], Encoding.PEM),
        SHOP.key_pem,
    ),
    "binary p7b": (
        pkcs7.serialize_certificates([ISSUER, SHOP.leaf], Encoding.DER),
        SHOP.key_pem,
    ),
}


@pytest.mark.parametrize("kind", APART)
@pytest.mark.parametrize("as_directory", [True, False])
def test_a_key_belongs_to_the_certificate_in_another_file(
    tmp_path: Path, kind: str, as_directory: bool
) -> None:
    certificate, key = APART[kind]
    paths = [
        written(tmp_path / "certs" / "shop.crt", certificate),
        written(tmp_path / "private" / "shop.key", key),
    ]

    (version,) = only(read_places([tmp_path] if as_directory else paths, None)).versions

    assert version.key_pem is not None
    assert version.key_pem.reveal().decode() == SHOP.key_pem


def test_a_directory_is_searched_and_other_files_passed_over(tmp_path: Path) -> None:
    older, newer = made("a.example.org", days=30), made("a.example.org", days=60)
    other = made("b.example.org", key_type="rsa2048")
    written(tmp_path / "a" / "old.pem", older.fullchain_pem + older.key_pem)
    written(tmp_path / "a" / "new.pem", newer.cert_pem)
    written(tmp_path / "b" / "deep" / "down" / "b.pem", other.fullchain_pem + other.key_pem)
    written(tmp_path / "issuer.pem", newer.chain_pem)
    written(tmp_path / "README", "how to renew")
    written(tmp_path / "picture.png", b"\x89PNG\r\n\x1a\n" + bytes(100))
    written(tmp_path / "request.csr", keys.csr(["a.example.org"], newer.key))
    written(tmp_path / "empty", b"")
    (tmp_path / "link.pem").symlink_to("/etc/passwd")

    found = read_places([tmp_path], None)

    assert found.troubles == []
    by_names = {each.in_use.facts.names: each.versions for each in found.certificates}
    assert {names: len(versions) for names, versions in by_names.items()} == {
        ("a.example.org",): 2,
        ("b.example.org",): 1,
    }
    assert {version.key_pem is None for version in by_names[("a.example.org",)]} == {True, False}
    assert all(v.chain_pem.count("BEGIN") == 2 for vs in by_names.values() for v in vs)


def test_a_root_comes_along_only_from_the_file_itself(tmp_path: Path) -> None:
    root = ROOT_CERTIFICATE.public_bytes(Encoding.PEM).decode()
    apart = made("apart.example.org")
    written(tmp_path / "whole.pem", SHOP.fullchain_pem + root)
    written(tmp_path / "apart.pem", apart.fullchain_pem)

    found = read_places([tmp_path], None)

    chains = {each.in_use.facts.names[0]: each.in_use.chain_pem for each in found.certificates}
    assert chains["shop.example.org"] == SHOP.fullchain_pem + root
    assert chains["apart.example.org"] == apart.fullchain_pem


def test_a_device_that_signed_for_itself_is_no_ca(tmp_path: Path) -> None:
    """As ``openssl req -x509`` makes them: a CA by its extensions, a server by its key."""
    device = Issuer(ROOT.name)
    certificate = device.certificate.public_bytes(Encoding.PEM).decode()
    with_key = written(tmp_path / "device.pem", certificate + keys.to_pem(device.key).decode())
    alone = written(tmp_path / "alone.pem", certificate)

    (version,) = only(read_places([with_key], None)).versions
    assert version.chain_pem == certificate
    assert read_places([alone], None).certificates == []


def trouble(found: Found) -> InvalidInput:
    assert found.certificates == []
    (one,) = found.troubles
    assert isinstance(one.error, InvalidInput)
    assert one.where in one.error.message
    return one.error


DAMAGED = {
    "cut.pem": (SHOP.cert_pem[:300], "cut off"),
    "changed.pem": (SHOP.cert_pem.replace("MII", "MIX", 1), "unreadable certificate"),
    "letters.pem": (SHOP.cert_pem.replace("\nMII", "\nM*I", 1), "damaged"),
    "ü.pem": (SHOP.cert_pem.replace("\nMII", "\nMüI", 1), "damaged"),
    "key.pem": (SHOP.key_pem.replace("MIG", "MIX", 1), "private key is damaged"),
    "half.p12": (WHOLE["shop.p12"][:-50], "no PKCS #12"),
    "store.jks": (jks.jks(material(SHOP), "password"), "Java keystore"),
    "half.der": (SHOP.leaf.public_bytes(Encoding.DER)[:-9], "unreadable certificate"),
    "nothing.txt": ("hello", "neither a certificate nor a key"),
    "large.pem": ("x" * 300_000, "larger than 256 KiB"),
    "curve.pem": (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
        "RSA and EC",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    content, reason = DAMAGED[name]
    path = written(tmp_path / name, content)

    error = trouble(read_places([path], PASSWORD))

    assert reason in error.message
    assert error.field == "path"


@pytest.mark.parametrize("name", ["encrypted.pem", "old encrypted.pem", "shop.p12", "legacy.pfx"])
@pytest.mark.parametrize("password", [None, Secret(b"guessed")])
def test_without_the_password_nothing_of_a_file_comes(
    tmp_path: Path, name: str, password: Secret[bytes] | None
) -> None:
    path = written(tmp_path / name, WHOLE[name])

    error = trouble(read_places([path], password))

    assert error.field == "password-file"
    assert "password" in error.message
    assert "--password-file" in error.hint


@pytest.mark.parametrize("password", ["", None])
def test_a_store_without_a_password_opens_without_one(tmp_path: Path, password: str | None) -> None:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(b" ")
    content = store.serialize_key_and_certificates(b"x", SHOP.key, SHOP.leaf, None, encryption)
    path = written(tmp_path / "open.p12", content)

    found = read_places([path], None if password is None else Secret(b" "))

    assert only(found).in_use.key_pem is not None


def test_one_damaged_file_does_not_keep_the_others_away(tmp_path: Path) -> None:
    written(tmp_path / "good.pem", SHOP.fullchain_pem)
    written(tmp_path / "bad.pem", SHOP.cert_pem[:300])

    found = read_places([tmp_path, tmp_path / "missing.pem"], None)

    assert len(found.certificates) == 1
    assert [trouble.where for trouble in found.troubles] == [
        str(tmp_path / "bad.pem"),
        str(tmp_path / "missing.pem"),
    ]


def test_a_directory_of_links_tells_where_to_look(tmp_path: Path) -> None:
    written(tmp_path / "archive" / "cert1.pem", SHOP.cert_pem)
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "cert.pem").symlink_to("../archive/cert1.pem")

    error = trouble(read_places([tmp_path / "live"], None))

    assert "links, which are not followed" in error.message
    assert "above live" in error.hint


def test_a_store_that_asks_for_hours_is_refused_at_once(tmp_path: Path) -> None:
    content = WHOLE["shop.p12"]
    assert isinstance(content, bytes)
    rounds = b"\x02\x03" + pkcs12.ROUNDS.to_bytes(3, "big")
    slow = content.replace(rounds, b"\x02\x03\x7f\xff\xff")
    assert slow != content

    error = trouble(read_places([written(tmp_path / "slow.p12", slow)], PASSWORD))

    assert "rounds" in error.message


def test_keys_show_themselves_in_no_text(tmp_path: Path) -> None:
    found = read_places([written(tmp_path / "a.pem", WHOLE["combined.pem"])], None)

    body = SHOP.key_pem.splitlines()[1]
    assert body not in repr(found)
    assert base64.b64decode(body) not in repr(found).encode()


def test_a_chain_stays_within_what_is_read_later(tmp_path: Path) -> None:
    """Issuers of 150 KiB each, from files of their own."""
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(110_000))
    upper = ROOT.issue(
        [], INTERMEDIATE.key, subject=INTERMEDIATE.name, extensions=[CA, (padding, False)]
    )
    lower = Issuer(called("lower"), parent=INTERMEDIATE)
    middle = INTERMEDIATE.issue(
        [], lower.key, subject=lower.name, extensions=[CA, (padding, False)]
    )
    key = keys.generate("ec256")
    leaf = lower.issue(["shop.example.org"], key, serial=5)
    for number, certificate in enumerate((leaf, middle, upper)):
        written(tmp_path / f"{number}.pem", certificate.public_bytes(Encoding.PEM))

    (version,) = only(read_places([tmp_path], None)).versions

    assert inspection.parse_chain(version.chain_pem) == (leaf, middle)


def test_a_certificate_that_is_a_chain_too_long_by_itself_is_refused(tmp_path: Path) -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(200_000))
    leaf = INTERMEDIATE.issue(["a.example.org"], SHOP.key, extensions=[(padding, False)])
    path = written(tmp_path / "large.der", leaf.public_bytes(Encoding.DER))

    assert "larger than any chain" in trouble(read_places([path], None)).message
