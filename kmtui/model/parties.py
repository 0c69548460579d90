"""Who takes part: ACME accounts, DNS accounts, end servers, and which names go where."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting or secret that a DNS provider or a kind of end server asks for.

    Forms and command options are generated from these.
    """

    name: str
    label: str
    required: bool = False
    secret: bool = False
    """Sealed in the vault, typed without echo, never shown again."""
    default: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    """The only values allowed, when there are any."""
    file: bool = False
    """Kept is the content of a file; what is given is its path, or the text itself."""
    rare: bool = False
    """Few need it: forms fold it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A registration at a CA (RFC 8555 section 7.1.2)."""

    id: str
    name: str
    ca: str
    directory_url: str
    account_url: str | None
    status: str
    email: str | None
    key_type: str
    key_thumbprint: str
    created_at: datetime
    terms_url: str | None = None
    terms_agreed_at: datetime | None = None
    certificates: int = 0
    key_changing: bool = False
    """Whether its key is being replaced: the CA may have the old one or the new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAccount:
    """A DNS provider with credentials, zones and propagation policy."""

    id: str
    name: str
    provider: str
    settings: MappingType[str, str]
    secret_names: tuple[str, ...]
    """Which secrets are stored (names only)."""
    zones: tuple[str, ...]
    created_at: datetime
    last_test_at: datetime | None = None
    last_test_ok: bool | None = None
    last_test_detail: str = ""
    used_by: int = 0
    """Number of mappings that use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndServer:
    """A place that serves http-01 files and receives certificates."""

    id: str
    name: str
    kind: str
    settings: MappingType[str, str]
    secret_names: tuple[str, ...]
    created_at: datetime
    last_test_at: datetime | None = None
    last_test_ok: bool | None = None
    last_test_detail: str = ""
    mapped: int = 0
    """Number of mappings that lead to it."""
    targets: int = 0
    """Number of targets on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Name pattern to challenge type and DNS account or end server; the longest match wins.

    `pattern` is ``example.org`` (that name), ``*.example.org`` (everything below) or
    ``.example.org`` (both).
    """

    id: str
    pattern: str
    challenge_type: str
    dns_account_id: str | None
    dns_account: str | None
    server_id: str | None
    server: str | None
    alias: str | None
    webroot: str | None
    created_at: datetime
