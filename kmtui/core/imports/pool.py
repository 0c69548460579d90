"""Certificates and keys in whatever order they were found, and what belongs together of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from kmtui.core import inspection, keys
from kmtui.core.errors import InvalidInput
from kmtui.core.imports.found import FoundCertificate, FoundVersion
from kmtui.core.inspection import MAX_CERTIFICATES, MAX_PEM, Facts
from kmtui.text import Secret

MOST_TRIED = 20
"""Certificates of one name that are tried as the issuer of one."""


@dataclass
class _Seen:
    """A certificate and the files it was seen in."""

    certificate: x509.Certificate
    facts: Facts
    files: list[str] = field(default_factory=list)
    served: bool = False
    """Whether a server showed it as its own."""


class Pool:
    """Pairs keys with certificates by their public key, and builds chains by signature."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._by_subject: dict[bytes, list[_Seen]] = {}
        self._keys: dict[str, bytes] = {}

    def add_certificate(
        self, certificate: x509.Certificate, where: str, *, served: bool = False
    ) -> None:
        """Add one; `served` says that it is a server's own, whatever it looks like.

        Raises InvalidInput when it cannot be read.
        """
        if len(inspection.chain_pem([certificate])) > MAX_PEM:
            raise InvalidInput("a certificate larger than any chain may be")
        facts = inspection.facts(certificate)
        seen = self._seen.get(facts.sha256)
        if seen is None:
            seen = self._seen[facts.sha256] = _Seen(certificate, facts)
            self._by_subject.setdefault(certificate.subject.public_bytes(), []).append(seen)
        seen.served = seen.served or served
        if where not in seen.files:
            seen.files.append(where)

    def add_key(self, key: keys.PrivateKey) -> None:
        """A private key of whatever certificate."""
        self._keys[keys.spki_sha256(key)] = keys.to_pem(key)

    def versions(self) -> list[FoundVersion]:
        """Each server's certificate with its chain and key, the one that began first, first.

        Certificates of CAs are there for the chains; one of its own, whose key lies beside it, may
        be a server's all the same, as devices make them.
        """
        found = [
            FoundVersion(
                facts=seen.facts,
                chain_pem=self._chain_pem(seen),
                key_pem=self._key_of(seen),
                where=seen.files[0],
            )
            for seen in self._seen.values()
            if self._is_servers(seen)
        ]
        return sorted(found, key=lambda version: (version.facts.not_before, version.facts.sha256))

    def certificates(self) -> list[FoundCertificate]:
        """The versions of each set of names together."""
        sets: dict[frozenset[str], list[FoundVersion]] = {}
        for version in self.versions():
            sets.setdefault(frozenset(version.facts.names), []).append(version)
        return [FoundCertificate(versions=tuple(versions)) for versions in sets.values()]

    def _is_servers(self, seen: _Seen) -> bool:
        has_key = seen.facts.spki_sha256 in self._keys
        return seen.served or has_key or not _is_ca(seen.certificate)

    def _key_of(self, seen: _Seen) -> Secret[bytes] | None:
        pem = self._keys.get(seen.facts.spki_sha256)
        return None if pem is None else Secret(pem)

    def _chain_pem(self, leaf: _Seen) -> str:
        """The chain as text, no longer than any chain may be."""
        text = ""
        for certificate in self._chain(leaf):
            more = inspection.chain_pem([certificate])
            if text and len(text) + len(more) > MAX_PEM:
                break
            text += more
        return text

    def _chain(self, leaf: _Seen) -> Iterator[x509.Certificate]:
        """The leaf, who signed it, and so on: those in its own file first, a root only from there.

        RFC 8446 section 4.4.2: the root may be left out, because whoever trusts it has it.
        """
        beside = set(leaf.files)
        above = leaf
        for _ in range(MAX_CERTIFICATES - 1):
            yield above.certificate
            if above.certificate.issuer == above.certificate.subject:
                return
            named = self._by_subject.get(above.certificate.issuer.public_bytes(), [])
            fitting = sorted(named, key=lambda each: beside.isdisjoint(each.files))
            issuer = next((each for each in fitting[:MOST_TRIED] if _signed(above, each)), None)
            if issuer is None or (
                issuer.certificate.issuer == issuer.certificate.subject
                and beside.isdisjoint(issuer.files)
            ):
                return
            above = issuer
        yield above.certificate


def sorted_by_label(certificates: Iterable[FoundCertificate]) -> list[FoundCertificate]:
    """In the order an operator reads."""
    return sorted(certificates, key=lambda each: (each.label, each.in_use.facts.names))


def _signed(below: _Seen, above: _Seen) -> bool:
    try:
        below.certificate.verify_directly_issued_by(above.certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    with suppress(x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        extension = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        return extension.value.ca
    return False
