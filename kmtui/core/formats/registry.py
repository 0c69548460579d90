"""The formats that certificates are exported in, as data: what commands and forms offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from kmtui.core.deployment.bundle import CERT, CHAIN, FULLCHAIN, PRIVKEY
from kmtui.core.errors import InvalidInput
from kmtui.core.formats import jks, pkcs12, plain
from kmtui.core.formats.material import Material


class Part(StrEnum):
    """What may be asked for alone, in formats that keep things apart."""

    LEAF = "leaf"
    CHAIN = "chain"
    """The issuers above it."""
    FULLCHAIN = "fullchain"
    KEY = "key"
    """The private key, in the clear."""


class KeyPlace(StrEnum):
    """Where a format has the private key."""

    INSIDE = "inside"
    """In the clear, in the same file; only when asked for."""
    BESIDE = "beside"
    """In the clear, in a file of its own; only when asked for, and in a directory."""
    SEALED = "sealed"
    """In the same file under a password; always."""
    NOWHERE = "nowhere"
    """The format holds certificates alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a certificate down."""

    name: str
    title: str
    use: str
    """When to choose it, in a line."""
    key: KeyPlace
    suffix: str
    write: Callable[[Material, str], bytes]
    """The one file; the password says nothing unless the key is sealed. May take a second: call it
    in a thread."""
    write_files: Callable[[Material], Mapping[str, bytes]] | None = None
    """The files by name where a directory takes several; None for the one file in it as well."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Which of these files each `Part` is that may be asked for alone."""

    @property
    def sealed(self) -> bool:
        """Whether it takes a password."""
        return self.key == KeyPlace.SEALED

    def names(self, part: str = "", *, with_key: bool = False) -> tuple[str, ...]:
        """What the files in a directory are called; without issuers there is one less."""
        if part:
            return (self.parts[part],)
        parts = {name: file for name, file in self.parts.items() if with_key or name != Part.KEY}
        return tuple(parts.values()) or (f"cert.{self.suffix}",)

    def files(self, material: Material, password: str) -> Mapping[str, bytes]:
        """What a directory gets: each file's content by its name."""
        if self.write_files is not None:
            return self.write_files(material)
        return {f"cert.{self.suffix}": self.write(material, password)}


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            Format(
                name="pem",
                title="PEM",
                use="what nearly every server reads",
                key=KeyPlace.INSIDE,
                suffix="pem",
                write=lambda material, _: plain.pem(material),
                write_files=plain.pem_files,
                parts={
                    Part.LEAF: CERT,
                    Part.CHAIN: CHAIN,
                    Part.FULLCHAIN: FULLCHAIN,
                    Part.KEY: PRIVKEY,
                },
            ),
            Format(
                name="der",
                title="DER",
                use="the certificate alone, for devices that take no text",
                key=KeyPlace.BESIDE,
                suffix="der",
                write=lambda material, _: plain.der(material),
                write_files=plain.der_files,
                parts={Part.LEAF: "cert.der", Part.KEY: "privkey.der"},
            ),
            Format(
                name="p7b",
                title="PKCS #7",
                use="the chain without a key: Windows, appliances that made the key themselves",
                key=KeyPlace.NOWHERE,
                suffix="p7b",
                write=lambda material, _: plain.p7b(material),
            ),
            Format(
                name="p12",
                title="PKCS #12",
                use="key and chain under a password: Windows, Java 8 and newer, appliances",
                key=KeyPlace.SEALED,
                suffix="p12",
                write=pkcs12.modern,
            ),
            Format(
                name="p12-legacy",
                title="PKCS #12, old ciphers",
                use="the same with 3DES and SHA-1, only for what cannot open p12: Windows before "
                "Server 2019, Java before 8u301, old macOS and appliances",
                key=KeyPlace.SEALED,
                suffix="p12",
                write=pkcs12.legacy,
            ),
            Format(
                name="jks",
                title="Java keystore",
                use="Java's former own format, weakly protected; only for what refuses p12",
                key=KeyPlace.SEALED,
                suffix="jks",
                write=jks.jks,
            ),
        )
    }
)
"""Every format by its name, in the order they are offered."""


def format_named(name: str) -> Format:
    """The format of that name. Raises InvalidInput (field ``format``)."""
    if name not in FORMATS:
        raise InvalidInput(
            f"no format is called {name!r}", field="format", hint="one of: " + ", ".join(FORMATS)
        )
    return FORMATS[name]
