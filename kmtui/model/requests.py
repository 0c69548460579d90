"""Requests, their challenges, and what they leave to clean up."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kmtui.model.problems import Problem
from kmtui.model.words import KeyType, SaveMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSight:
    """What one name server (or web server) showed of a challenge answer."""

    name: str
    address: str
    seen: bool
    detail: str = ""
    """Response code, last value or error when not seen."""
    milliseconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One name's challenge within a request."""

    id: str
    request_id: str
    identifier: str
    wildcard: bool
    type: str
    status: str
    """RFC 8555 status words once the CA has it; `queued`, `presenting`, `waiting` before."""
    fqdn: str
    """TXT owner name, or URL of the http-01 file."""
    value: str
    """TXT value or key authorization: public by nature."""
    detail: str
    servers: tuple[ServerSight, ...]
    via: str
    """Name of the DNS account or end server."""
    url: str | None = None
    authorization_url: str | None = None
    presented_at: datetime | None = None
    validated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeChoice:
    """How one name shall be proved: asked for on the request, else taken from the mappings."""

    type: str | None = None
    dns_account: str | None = None
    server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec:
    """What an operator asks for; everything a retry needs."""

    names: tuple[str, ...]
    account: str
    """Account name or id."""
    key_type: str = KeyType.EC256
    profile: str | None = None
    label: str | None = None
    auto_save: str = SaveMode.ASK
    choices: MappingType[str, ChallengeChoice] = field(default_factory=dict)
    """Per name; the key ``""`` is the choice for every name without its own."""
    csr_pem: str | None = None
    reuse_key: bool = False
    """Whether the key of the version before is kept, where there is one that may be."""
    preferred_chain: str | None = None
    """The chain to prefer, by the common name of its topmost issuer."""
    profile_required: bool = True
    """Whether a CA that does not offer `profile` must not issue without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt to get a version."""

    id: str
    number: int
    """Counts up from 1; what an operator types and quotes."""
    kind: str
    certificate_id: str | None
    certificate: str | None
    names: tuple[str, ...]
    account_id: str | None
    account: str | None
    status: str
    step: str
    """One line on what is going on now."""
    created_at: datetime
    spec: RequestSpec
    finished_at: datetime | None = None
    not_before: datetime | None = None
    """Parked until then; for a failed renewal, when the next attempt is made."""
    order_url: str | None = None
    order_status: str | None = None
    version: int | None = None
    problem: Problem | None = None
    retry_of: str | None = None
    replaces: str | None = None
    """The certificate it replaces, as renewal information names it (RFC 9773 section 4.1)."""
    retries: int = 0
    """How often in a row it was set aside."""
    owner: str | None = None
    """The process that works on it, or did until it ended."""
    attempt: int = 0
    """The fencing number of that work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a request's log."""

    id: int
    request_id: str
    at: datetime
    level: str
    """`info`, `good`, `warn` or `bad`."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupEntry:
    """One journal row: a challenge answer that was, or is about to be, put somewhere."""

    id: str
    request_id: str
    kind: str
    """`dns-01` or `http-01`."""
    dns_account_id: str | None
    server_id: str | None
    name: str
    """TXT owner name, or path of the http-01 file."""
    value: str
    handle: MappingType[str, Any]
    """What the provider or server gave to find it again."""
    state: str
    """`intended`, `presented`, `done`, or `failed` (to be tried again)."""
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_error: str = ""
