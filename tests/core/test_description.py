"""A certificate in plain words: every part named, nothing fatal."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    ObjectIdentifier,
)

from kmtui.core import keys
from kmtui.core.description import describe
from tests.core.issuer import called, chain_of_issuers

ROOT, INTERMEDIATE = chain_of_issuers()
KEY = keys.generate("ec256")
KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def test_the_main_facts_come_first() -> None:
    lines = describe(INTERMEDIATE.issue(["example.org"], KEY))

    assert lines[:6] == (
        "Subject: (empty)",
        "Issuer: CN=R11",
        "Serial: abc",
        "Not before: 2026-11-23 08:30:00 UTC",
        "Not after: 2027-02-21 08:30:00 UTC",
        "Key: ec256",
    )
    assert "Signature: ecdsa-with-SHA256" in lines
    assert "Names: example.org" in lines


@pytest.mark.parametrize(
    ("extension", "critical", "line"),
    [
        (KEY_USAGE, True, "Key usage: digital signature, key encipherment (critical)"),
        (
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ObjectIdentifier("1.3.6.1.4.1.1.1")]
            ),
            False,
            "Extended key usage: TLS server, 1.3.6.1.4.1.1.1",
        ),
        (x509.BasicConstraints(False, None), True, "Basic constraints: not a CA (critical)"),
        (
            x509.BasicConstraints(True, 0),
            True,
            "Basic constraints: a CA, at most 0 CAs below (critical)",
        ),
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP, uri("http://o.example.org")
                    ),
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS, uri("http://i.example.org")
                    ),
                ]
            ),
            False,
            "Authority information: OCSP http://o.example.org, issuer http://i.example.org",
        ),
        (
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([uri("http://c.example.org/1.crl")], None, None, None)]
            ),
            False,
            "Revocation lists: http://c.example.org/1.crl",
        ),
        (
            x509.CertificatePolicies(
                [
                    x509.PolicyInformation(ObjectIdentifier("2.23.140.1.2.1"), None),
                    x509.PolicyInformation(ObjectIdentifier("1.2.3.4"), None),
                ]
            ),
            False,
            "Policies: domain validated, 1.2.3.4",
        ),
        (
            x509.TLSFeature([x509.TLSFeatureType.status_request]),
            False,
            "TLS features: status request",
        ),
        (x509.SubjectKeyIdentifier(b"\x01\x02"), False, "Key identifier: 0102"),
        (
            x509.AuthorityKeyIdentifier(b"\xab\xcd", None, None),
            False,
            "Issuer key identifier: abcd",
        ),
        (
            x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(called("R11"))], 5),
            False,
            "Issuer key identifier: CN=R11",
        ),
        (
            x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"),
            True,
            "1.2.3.4.5: 2 octets (critical)",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, x509.ExtensionType) else None,
)
def test_each_extension_has_its_words(
    extension: x509.ExtensionType, critical: bool, line: str
) -> None:
    certificate = INTERMEDIATE.issue(["example.org"], KEY, extensions=[(extension, critical)])

    assert line in describe(certificate)


def test_signed_timestamps_are_counted() -> None:
    """An SCT list with one v1 entry (RFC 6962 section 3.3), written octet by octet."""
    entry = b"\x00" + bytes(32) + (1_764_000_000_000).to_bytes(8, "big") + b"\x00\x00"
    entry += b"\x04\x03" + (2).to_bytes(2, "big") + b"\x30\x00"
    listed = len(entry).to_bytes(2, "big") + entry
    octets = (len(listed)).to_bytes(2, "big") + listed
    sct = x509.UnrecognizedExtension(
        ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04" + bytes([len(octets)]) + octets
    )

    lines = describe(INTERMEDIATE.issue(["example.org"], KEY, extensions=[(sct, False)]))

    assert "Signed timestamps: 1, the first of 2025-11-24 16:00 UTC" in lines


def test_an_unreadable_extension_is_said_to_be_so() -> None:
    broken = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.15"), b"\xff\xff")

    lines = describe(INTERMEDIATE.issue(["example.org"], KEY, extensions=[(broken, False)]))

    assert lines[-1].startswith("Extensions: unreadable")
    assert "Serial: abc" in lines


def test_ca_certificates_can_be_described_too() -> None:
    lines = describe(ROOT.certificate)

    assert "Subject: CN=Practice Root X1" in lines
    assert "Basic constraints: a CA (critical)" in lines
