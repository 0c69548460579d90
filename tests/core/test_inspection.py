"""Certificates as facts, and the refusal of an issued chain that is not what was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kmtui.core import keys
from kmtui.core.errors import InvalidInput, ProtocolViolation
from kmtui.core.inspection import (
    MAX_CERTIFICATES,
    chain_line,
    chain_pem,
    facts,
    parse_chain,
    pem_blocks,
    short_name,
    verify_issued,
)
from tests.core.issuer import NOW, Issuer, called, chain_of_issuers

NAMES = ("example.org", "*.example.org")
ROOT, INTERMEDIATE = chain_of_issuers()
KEY = keys.generate("ec256")
LEAF = INTERMEDIATE.issue(NAMES, KEY)
CHAIN = chain_pem([LEAF, INTERMEDIATE.certificate])


def verify(chain: str, **changes: object) -> object:
    asked = {"spki_sha256": keys.spki_sha256(KEY), "names": NAMES, "now": NOW, **changes}
    return verify_issued(chain, **asked)  # type: ignore[arg-type]


def leaf(**changes: object) -> str:
    """A chain with another leaf."""
    issued = INTERMEDIATE.issue(**{"names": NAMES, "key": KEY, **changes})  # type: ignore[arg-type]
    return chain_pem([issued, INTERMEDIATE.certificate])


def test_facts_are_in_the_form_of_the_command_contract() -> None:
    found = facts(LEAF)

    assert found.serial == "abc"
    assert found.issuer == "R11"
    assert found.subject == ""
    assert found.names == NAMES
    assert found.key_type == "ec256"
    assert found.sha256 == LEAF.fingerprint(hashes.SHA256()).hex()
    assert found.spki_sha256 == keys.spki_sha256(KEY)
    assert found.not_after - found.not_before == timedelta(days=90)
    assert found.not_before.utcoffset() == timedelta(0)


def test_facts_make_a_version_row() -> None:
    version = facts(LEAF).version(
        certificate_id="c", certificate="www", request_id="r", why="issue", issued_at=NOW
    )

    assert (version.serial, version.certificate, version.number) == ("abc", "www", 0)
    assert version.id != facts(LEAF).version(**_required()).id


def _required() -> dict[str, object]:
    return {"certificate_id": "c", "certificate": "www", "request_id": None, "issued_at": NOW}


def test_names_are_lower_case_and_addresses_canonical() -> None:
    issued = INTERMEDIATE.issue(["WWW.Example.org", "2001:db8::1", "192.0.2.7"], KEY)

    assert facts(issued).names == ("www.example.org", "2001:db8::1", "192.0.2.7")


def test_an_old_certificate_without_san_has_its_common_name() -> None:
    issued = INTERMEDIATE.issue([], KEY, subject=called("old.example.org"))

    assert facts(issued).names == ("old.example.org",)
    assert facts(issued).subject == "CN=old.example.org"


def test_an_issuer_without_common_name_is_known_by_its_organisation() -> None:
    organisation = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Practice Ltd")])
    country = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "NO")])

    assert short_name(organisation) == "Practice Ltd"
    assert short_name(country) == "C=NO"
    assert short_name(x509.Name([])) == ""


def test_hostile_text_is_kept_verbatim_for_the_filter_to_show() -> None:
    issued = INTERMEDIATE.issue(["a.test"], KEY, subject=called("\x1b[2J evil"))

    assert "\x1b[2J evil" in facts(issued).subject


def test_the_chain_line_tells_who_signed_whom() -> None:
    assert chain_line([LEAF, INTERMEDIATE.certificate]) == "R11 < Practice Root X1"
    assert chain_line([LEAF, INTERMEDIATE.certificate, ROOT.certificate]) == (
        "R11 < Practice Root X1"
    )
    assert chain_line([LEAF]) == "R11"


@pytest.mark.parametrize(
    "mangle",
    [
        lambda pem: pem,
        lambda pem: pem.rstrip("\n"),
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: "subject=/CN=x\n" + pem,
        lambda pem: pem.replace("-----END", "\n-----END").replace("BEGIN", "BEGIN", 1),
        lambda pem: pem.replace("\n", "\n\n"),
        lambda pem: "  " + pem.replace("\n", "  \n  "),
        lambda pem: pem.encode(),
    ],
    ids=[
        "plain",
        "no newline",
        "CRLF",
        "text before",
        "blank line",
        "blank lines",
        "indent",
        "bytes",
    ],
)
def test_sloppy_pem_is_normalised(mangle: object) -> None:
    chain = parse_chain(mangle(CHAIN))  # type: ignore[operator]

    assert chain_pem(chain) == CHAIN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no certificate"),
        ("hello", "no certificate"),
        (CHAIN + keys.to_pem(KEY).decode(), "PRIVATE KEY block"),
        (CHAIN[:-60], "cut off"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "unreadable"),
        ("-----BEGIN CERTIFICATE-----\nä\n-----END CERTIFICATE-----\n", "unreadable"),
        (CHAIN * MAX_CERTIFICATES, "more than 10"),
        ("x" * 300_000, "256 KiB"),
    ],
    ids=["empty", "text", "key", "cut", "garbage", "not ascii", "many", "huge"],
)
def test_what_is_no_chain_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        parse_chain(text)
    assert caught.value.field == "certificate"


def test_blocks_of_a_combined_file_come_apart() -> None:
    combined = keys.to_pem(KEY).decode() + "notes\n" + CHAIN

    blocks = pem_blocks(combined)

    assert [block.label for block in blocks] == ["PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"]
    assert "".join(block.text for block in blocks[1:]) == CHAIN
    assert keys.spki(keys.load_private_key(blocks[0].text.encode())) == keys.spki(KEY)


def test_the_blank_line_after_encryption_headers_stays() -> None:
    text = (
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"
        "AAAA\n-----END EC PRIVATE KEY-----\n"
    )

    assert pem_blocks(text)[0].text == text


@given(st.text(alphabet="-BEGIND CRT\n", max_size=200) | st.binary(max_size=200))
def test_any_text_gives_blocks_or_bad_input(text: str | bytes) -> None:
    try:
        blocks = pem_blocks(text)
    except InvalidInput:
        return
    assert all(block.text.startswith("-----BEGIN ") for block in blocks)


def test_a_chain_as_asked_for_passes() -> None:
    assert verify(CHAIN) == facts(LEAF)
    assert verify(CHAIN + ROOT.certificate.public_bytes(Encoding.PEM).decode()) == facts(LEAF)


def test_a_leaf_alone_passes() -> None:
    assert verify(chain_pem([LEAF])) == facts(LEAF)


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (leaf(key=keys.generate("ec256")), "another key"),
        (leaf(names=["example.org"]), r"missing: \*\.example\.org"),
        (leaf(names=[*NAMES, "evil.test"]), r"added: evil\.test"),
        (leaf(names=["evil.test"]), r"missing: .* added: evil\.test"),
        (leaf(names=[]), "missing"),
        (leaf(begins=NOW - timedelta(days=91)), "expired already"),
        (leaf(begins=NOW + timedelta(days=2)), "begins only on 2026-11-25"),
        (chain_pem([INTERMEDIATE.certificate, LEAF]), "another key"),
        (chain_pem([LEAF, ROOT.certificate]), r"certificate 1 of 2 .*Practice Root X1"),
        (chain_pem([LEAF, LEAF]), "out of order"),
        (
            chain_pem([LEAF, INTERMEDIATE.certificate, Issuer(called("Other")).certificate]),
            "certificate 2 of 3",
        ),
        (chain_pem([LEAF, Issuer(called("R11"), parent=ROOT).certificate]), "out of order"),
        (CHAIN + keys.to_pem(KEY).decode(), "PRIVATE KEY block"),
        ("", "no certificate"),
        ("<html>busy</html>", "no certificate"),
    ],
    ids=[
        "key",
        "missing",
        "added",
        "other names",
        "no names",
        "expired",
        "future",
        "issuer first",
        "gap",
        "twice",
        "foreign root",
        "same name, other key",
        "private key",
        "empty",
        "html",
    ],
)
def test_a_chain_not_as_asked_for_is_refused(chain: str, why: str) -> None:
    with pytest.raises(ProtocolViolation, match=why):
        verify(chain)


def test_names_a_ca_is_known_to_add_may_be_allowed() -> None:
    chain = leaf(names=[*NAMES, "www.example.org"])

    assert verify(chain, also_allowed=["www.example.org"])
    with pytest.raises(ProtocolViolation, match="missing"):
        verify(chain, also_allowed=["www.example.org"], names=[*NAMES, "b.example.org"])


def test_a_clock_that_lags_by_hours_does_no_harm() -> None:
    assert verify(CHAIN, now=NOW - timedelta(hours=20))


def test_the_san_is_compared_not_the_common_name() -> None:
    with pytest.raises(ProtocolViolation, match=r"missing: example\.org"):
        verify(leaf(names=["other.test"], subject=called("example.org")), names=["example.org"])
