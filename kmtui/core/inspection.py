"""X.509 certificates as facts: what they say, and whether an issued one is what was asked for.

Everything in a certificate is written by others: values are kept verbatim and filtered where shown.
URLs found inside are never fetched. Parsing a long chain takes some milliseconds: call it in a
thread where many are read.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core.errors import InvalidInput, ProtocolViolation
from kmtui.core.keys import key_type_of, spki_sha256
from kmtui.model import Version

MAX_PEM = 256 * 1024
"""Octets of chain text looked at."""
MAX_CERTIFICATES = 10
_CLOCK_TOLERANCE = timedelta(hours=24)
"""How far this machine's clock may lag behind a certificate that begins now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PemBlock:
    """One ``-----BEGIN …-----`` block (RFC 7468)."""

    label: str
    text: str

    @property
    def encrypted(self) -> bool:
        """Whether its octets are under a password the old way (RFC 1421 section 4.6.1.1)."""
        return "\nProc-Type: 4,ENCRYPTED\n" in self.text

    @property
    def octets(self) -> bytes:
        """What it holds, headers left out. Raises InvalidInput."""
        lines = self.text.splitlines()[1:-1]
        body = lines[lines.index("") + 1 :] if "" in lines else lines
        try:
            return base64.b64decode("".join(body), validate=True)
        except ValueError as error:
            raise InvalidInput(f"the {self.label} block is damaged") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a certificate says, in the fields of a Version."""

    serial: str
    issuer: str
    subject: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key_type: str
    sha256: str
    spki_sha256: str

    def version(self, **rest: Any) -> Version:
        """A new Version row with these facts and the given other fields; storing it numbers it."""
        return Version(**{"id": str(uuid.uuid4()), "number": 0, **asdict(self), **rest})


def pem_blocks(text: str | bytes) -> tuple[PemBlock, ...]:
    """Every PEM block of a text in order, lines trimmed; what stands between blocks is ignored.

    Raises InvalidInput (field ``certificate``) for more than 256 KiB or a block without its end.
    """
    content = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    if len(content) > MAX_PEM:
        raise InvalidInput(f"more than {MAX_PEM // 1024} KiB of PEM text", field="certificate")
    blocks: list[PemBlock] = []
    label: str | None = None
    lines: list[str] = []
    for line in (line.strip() for line in content.splitlines()):
        if line.startswith("-----BEGIN ") and line.endswith("-----"):
            label, lines = line[11:-5], [line]
        elif label is not None:
            lines.append(line)
            if line == f"-----END {label}-----":
                blocks.append(PemBlock(label=label, text=_tidy(lines)))
                label = None
    if label is not None:
        raise InvalidInput(f"the {label} block is cut off", field="certificate")
    return tuple(blocks)


def parse_chain(text: str | bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM chain in the order given: at least one, at most ten.

    Raises InvalidInput (field ``certificate``), also for any other block: RFC 8555 section 11.4.
    """
    blocks = pem_blocks(text)
    if not blocks:
        raise InvalidInput("no certificate in PEM form was found", field="certificate")
    if len(blocks) > MAX_CERTIFICATES:
        raise InvalidInput(f"more than {MAX_CERTIFICATES} certificates", field="certificate")
    if foreign := [block.label for block in blocks if block.label != "CERTIFICATE"]:
        raise InvalidInput(
            f"a {foreign[0]} block stands among the certificates", field="certificate"
        )
    return tuple(_load(block) for block in blocks)


def chain_pem(chain: Iterable[x509.Certificate]) -> str:
    """The chain as PEM text, one newline at each line's end."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in chain)


def facts(certificate: x509.Certificate) -> Facts:
    """What the certificate says. Raises InvalidInput when its fields cannot be read."""
    try:
        return Facts(
            serial=format(certificate.serial_number, "x"),
            issuer=short_name(certificate.issuer),
            subject=certificate.subject.rfc4514_string(),
            names=names_of(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            key_type=key_type_of(certificate.public_key()),
            sha256=certificate.fingerprint(hashes.SHA256()).hex(),
            spki_sha256=spki_sha256(certificate.public_key()),
        )
    except (
        ValueError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise InvalidInput(f"unreadable certificate: {error}", field="certificate") from error


def short_name(name: x509.Name) -> str:
    """Common name, else organisation, else the whole distinguished name."""
    for oid in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        if attributes := name.get_attributes_for_oid(oid):
            return str(attributes[0].value)
    return name.rfc4514_string()


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """DNS names (lower case) and IP addresses of the SAN; the common name when there is no SAN."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return tuple(str(attribute.value) for attribute in common)
    return tuple(
        str(entry.value).lower()
        for entry in san
        if isinstance(entry, x509.DNSName | x509.IPAddress)
    )


def chain_line(chain: Iterable[x509.Certificate]) -> str:
    """Who signed whom above the leaf, in one line: ``R11 < ISRG Root X1``."""
    issuers = dict.fromkeys(short_name(certificate.issuer) for certificate in chain)
    return " < ".join(issuers)


def verify_issued(
    pem: str | bytes,
    *,
    spki_sha256: str,
    names: Collection[str],
    now: datetime,
    also_allowed: Collection[str] = (),
) -> Facts:
    """The facts of a chain just downloaded, after checking it against what was asked for.

    RFC 8555 section 7.4.2: certificates only, leaf first, each signed by the next; the leaf has our
    key and exactly the canonical `names`, dates that hold now. `also_allowed` are names this CA is
    known to add. Raises ProtocolViolation that says what differs.
    """
    try:
        chain = parse_chain(pem)
        leaf = facts(chain[0])
    except InvalidInput as error:
        raise ProtocolViolation(f"the CA sent an unusable chain: {error.message}") from error
    if leaf.spki_sha256 != spki_sha256:
        raise ProtocolViolation("the issued certificate is for another key than the one requested")
    _check_names(set(leaf.names), set(names), set(also_allowed))
    _check_dates(leaf, now)
    _check_order(chain)
    return leaf


def _tidy(lines: list[str]) -> str:
    """Without blank lines, which some CAs add; the one after RFC 1421 headers must stay."""
    has_headers = any(": " in line for line in lines)
    return "\n".join(line for line in lines if line or has_headers) + "\n"


def _load(block: PemBlock) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(block.text.encode())
    except (ValueError, UnicodeEncodeError) as error:
        raise InvalidInput(f"unreadable certificate: {error}", field="certificate") from error


def _check_names(issued: set[str], asked: set[str], allowed: set[str]) -> None:
    differences = [
        f"{what}: {', '.join(sorted(found))}"
        for what, found in (("missing", asked - issued), ("added", issued - asked - allowed))
        if found
    ]
    if differences:
        raise ProtocolViolation(
            "the issued certificate has other names than requested – " + "; ".join(differences)
        )


def _check_dates(leaf: Facts, now: datetime) -> None:
    if leaf.not_after <= leaf.not_before:
        raise ProtocolViolation("the issued certificate ends before it begins")
    if leaf.not_after <= now:
        raise ProtocolViolation(
            f"the issued certificate expired already, on {leaf.not_after:%Y-%m-%d %H:%M} UTC",
            hint="check this machine's clock",
        )
    if leaf.not_before > now + _CLOCK_TOLERANCE:
        raise ProtocolViolation(
            f"the issued certificate begins only on {leaf.not_before:%Y-%m-%d %H:%M} UTC",
            hint="check this machine's clock",
        )


def _check_order(chain: tuple[x509.Certificate, ...]) -> None:
    for position, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (UnsupportedAlgorithm, TypeError):
            # A signature we cannot check (a newer algorithm): the names matched, that must do.
            continue
        except (ValueError, InvalidSignature) as error:
            raise ProtocolViolation(
                f"the chain is out of order: certificate {position} of {len(chain)} is not signed"
                f" by the one after it ({short_name(issuer.subject)})"
            ) from error
