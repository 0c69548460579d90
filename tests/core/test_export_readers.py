"""What is exported opens where operators take it: in openssl, in Java and in Python, each part and
format, and with its own password alone.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_private_key,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)

from kmtui.core import inspection, keys
from kmtui.core.core import Core
from kmtui.core.export import ExportWish
from kmtui.core.formats.registry import FORMATS
from kmtui.text import Secret
from tests.core.formats import keystore
from tests.core.issuer import called, chain_of_issuers
from tests.servers.process import binary

PASSWORD, WRONG = "a long pass phrase o", "a long pass phrase u"
LEAF, ISSUERS, ALL, NONE = slice(0, 1), slice(1, None), slice(0, None), slice(0, 0)


class Case(NamedTuple):
    """A wish, and what its file has."""

    format: str
    wish: dict[str, Any]
    chain: slice
    key: bool


CASES = {
    "pem-leaf": Case("pem", {"part": "leaf"}, LEAF, False),
    "pem-chain": Case("pem", {"part": "chain"}, ISSUERS, False),
    "pem-fullchain": Case("pem", {"part": "fullchain"}, ALL, False),
    "pem-key": Case("pem", {"part": "key"}, NONE, True),
    "pem": Case("pem", {}, ALL, False),
    "pem-with-key": Case("pem", {"with_key": True}, ALL, True),
    "der": Case("der", {}, LEAF, False),
    "der-key": Case("der", {"part": "key"}, NONE, True),
    "p7b": Case("p7b", {}, ALL, False),
    "p12": Case("p12", {}, ALL, True),
    "p12-legacy": Case("p12-legacy", {}, ALL, True),
    "jks": Case("jks", {}, ALL, True),
}
SEALED = [name for name, case in CASES.items() if FORMATS[case.format].sealed]
NOT_FOR_OPENSSL, NOT_FOR_PYTHON = {"jks"}, {"jks"}


class Held(NamedTuple):
    """What a reader found: fingerprints of certificates, and of the key's public half."""

    certificates: frozenset[str]
    key: str | None


class Refused(Exception):
    """A reader did not open the file."""


@dataclass(frozen=True)
class Shop:
    """Every case as a file, and what each is to hold."""

    folder: Path
    chain: list[x509.Certificate]
    spki: str

    def file(self, name: str) -> Path:
        return self.folder / name

    def held(self, name: str) -> Held:
        case = CASES[name]
        return Held(
            frozenset(map(fingerprint, self.chain[case.chain])), self.spki if case.key else None
        )


@pytest.fixture
async def shop(core: Core, tmp_path: Path) -> Shop:
    _, intermediate = chain_of_issuers()
    key = keys.generate("ec256")
    # Java refuses an empty subject unless the names are marked critical (RFC 5280 4.2.1.6).
    leaf = intermediate.issue(["shop.example.org"], key, subject=called("shop.example.org"))
    chain = [leaf, intermediate.certificate]
    source = tmp_path / "shop.pem"
    source.write_bytes(keys.to_pem(key) + inspection.chain_pem(chain).encode())
    (came,) = await core.imports.carry_out(await core.imports.look([str(source)]))
    assert came.error is None
    (tmp_path / "out").mkdir()
    for name, case in CASES.items():
        password = Secret(PASSWORD) if FORMATS[case.format].sealed else None
        wish = ExportWish(
            format=case.format, out=tmp_path / "out" / name, password=password, **case.wish
        )
        (done,) = await core.exports.export(["shop.example.org"], wish)
        assert (done.error, done.has_key) == (None, case.key)
    return Shop(tmp_path / "out", chain, keys.spki_sha256(key))


def fingerprint(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


# --- the readers ----------------------------------------------------------------------------------


def run(*arguments: str | Path) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout + done.stderr


def of_text(told: str) -> Held:
    """What a program printed as PEM."""
    certificates = (
        frozenset(fingerprint(each) for each in x509.load_pem_x509_certificates(told.encode()))
        if "BEGIN CERTIFICATE" in told
        else frozenset()
    )
    begin = told.find("-----BEGIN PRIVATE KEY")
    key = None if begin < 0 else keys.spki_sha256(keys.load_private_key(told[begin:].encode()))
    return Held(certificates, key)


def by_openssl(path: Path, password: Path) -> Held:
    if path.name == "p7b":
        return of_text(run("openssl", "pkcs7", "-in", path, "-print_certs"))
    sealed = ["-passin", f"file:{password}"] if path.name in SEALED else []
    return of_text(run("openssl", "storeutl", *sealed, path))


def by_python(path: Path, password: Path) -> Held:
    content, word = path.read_bytes(), password.read_text().encode()
    found: list[Any] = []
    key: Any = None
    match path.name:
        case "p7b":
            found = list(pkcs7.load_pem_pkcs7_certificates(content))
        case "der":
            found = [x509.load_der_x509_certificate(content)]
        case "der-key":
            key = load_der_private_key(content, None)
        case "p12" | "p12-legacy":
            try:
                key, leaf, issuers = pkcs12.load_key_and_certificates(content, word)
            except ValueError as error:
                raise Refused(path) from error
            found = [leaf, *issuers]
        case name:
            found = x509.load_pem_x509_certificates(content) if b"CERTIFICATE" in content else []
            key = load_pem_private_key(content, None) if CASES[name].key else None
    return Held(frozenset(map(fingerprint, found)), None if key is None else keys.spki_sha256(key))


def by_java(path: Path, password: Path) -> Held:
    """keytool takes a store over into one of its own: it needs the key's password, too."""
    if path.name not in SEALED:
        told = run(binary("keytool"), "-printcert", "-file", path)
        prints = re.findall(r"SHA256: ([0-9A-F:]{95})", told)
        return Held(frozenset(each.replace(":", "").lower() for each in prints), None)
    taken = path.with_name(f"{path.name}-{password.name}.taken")
    kind = "JKS" if path.name == "jks" else "PKCS12"
    run(
        *(binary("keytool"), "-importkeystore", "-noprompt", "-srckeystore", path),
        *("-srcstoretype", kind, "-srcstorepass:file", password),
        *("-destkeystore", taken, "-deststoretype", "PKCS12", "-deststorepass:file", password),
    )
    key, leaf, issuers = pkcs12.load_key_and_certificates(
        taken.read_bytes(), password.read_text().encode()
    )
    return Held(
        frozenset(map(fingerprint, [leaf, *issuers])),  # type: ignore[list-item]
        keys.spki_sha256(key),  # type: ignore[arg-type]
    )


def by_a_reader_of_java_stores(path: Path, password: Path) -> Held:
    try:
        entry = keystore.read(path.read_bytes(), password.read_text())
    except keystore.WrongPassword as error:
        raise Refused(path) from error
    found = frozenset(hashlib.sha256(der).hexdigest() for der in entry.chain)
    key: Any = load_der_private_key(entry.key, None)
    return Held(found, keys.spki_sha256(key))


READERS = {
    by_openssl: [name for name in CASES if name not in NOT_FOR_OPENSSL],
    by_python: [name for name in CASES if name not in NOT_FOR_PYTHON],
    by_java: ["pem-fullchain", "der", "p7b", *SEALED],
    by_a_reader_of_java_stores: ["jks"],
}
"""Each reader, and what it is to open."""


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "right"
    path.write_text(PASSWORD)
    return path


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_every_file_opens_and_holds_what_it_is_to_hold(
    shop: Shop, password: Path, reader: Any
) -> None:
    found = {name: reader(shop.file(name), password) for name in READERS[reader]}

    assert found == {name: shop.held(name) for name in READERS[reader]}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_password_that_is_almost_right_opens_nothing(
    shop: Shop, tmp_path: Path, reader: Any
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(WRONG)

    for name in set(READERS[reader]) & set(SEALED):
        with pytest.raises(Refused):
            reader(shop.file(name), wrong)


def test_each_format_is_read_by_openssl_or_java_and_by_a_library() -> None:
    for name in CASES:
        readers = {reader for reader, names in READERS.items() if name in names}
        assert readers & {by_openssl, by_java}
        assert readers & {by_python, by_a_reader_of_java_stores}
    assert {case.format for case in CASES.values()} == set(FORMATS)
