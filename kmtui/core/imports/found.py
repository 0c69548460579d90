"""What was found in a place, before any of it is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kmtui.core.errors import KmtuiError
from kmtui.core.inspection import Facts
from kmtui.core.names import normalise_names
from kmtui.text import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVersion:
    """One certificate with its chain and, where that lay there, its key."""

    facts: Facts
    chain_pem: str
    """Leaf first."""
    key_pem: Secret[bytes] | None
    """PKCS #8, in the clear; its numbers are not checked yet."""
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCertificate:
    """All versions that belong together: of one set of names, or of what another client calls one
    certificate.
    """

    versions: tuple[FoundVersion, ...]
    """The one that began first, first. At least one."""
    label: str = ""
    """What the other client calls it: a name of a file, which may hold anything."""
    current: str = ""
    """Fingerprint of the version in use there; empty when nothing says so: the last one."""
    account: str = ""
    """`FoundAccount.identity` of who renews it there."""
    renewed: bool = True
    """Whether the other client renews it."""

    @property
    def in_use(self) -> FoundVersion:
        """The version that is in use."""
        in_use = (version for version in self.versions if version.facts.sha256 == self.current)
        return next(in_use, self.versions[-1])

    @property
    def wish(self) -> str:
        """The label to have here: theirs where it can be one, else the first name."""
        label = self.label.strip()
        return label if label.isprintable() and label else self.names()[0]

    def names(self) -> tuple[str, ...]:
        """Canonical names of the version in use. Raises InvalidInput for one that is none."""
        return normalise_names(self.in_use.facts.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAccount:
    """A registration at a CA, as another client keeps it."""

    client: str
    key_pem: Secret[bytes]
    thumbprint: str
    """Of the key (RFC 7638)."""
    key_type: str
    directory_url: str
    """The CA's directory, as far as it is known: for telling."""
    fits: Callable[[str], bool]
    """Whether a CA's directory URL may be the one: some clients keep only part of it."""
    account_url: str | None
    email: str | None
    status: str
    where: str

    @property
    def identity(self) -> str:
        """Tells it from the others: one key may be registered at several CAs."""
        return f"{self.thumbprint} {self.directory_url}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that cannot be imported, and why."""

    where: str
    error: KmtuiError


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found in the places an operator named."""

    certificates: list[FoundCertificate] = field(default_factory=list)
    accounts: list[FoundAccount] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take over what was found elsewhere."""
        self.certificates.extend(other.certificates)
        self.accounts.extend(other.accounts)
        self.troubles.extend(other.troubles)
