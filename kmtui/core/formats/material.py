"""What goes into an exported file."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509

from kmtui.core.keys import PrivateKey


@dataclass(frozen=True, slots=True)
class Material:
    """A certificate to be written down: its name, its chain and, if it is to go along, its key."""

    name: str
    """What stores of several certificates tell it by: friendly name, alias."""
    chain: tuple[x509.Certificate, ...]
    """Leaf first."""
    key: PrivateKey | None = field(default=None, repr=False)
