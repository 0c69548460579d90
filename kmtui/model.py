"""The words of kmtui as data: frozen rows and status words that cross layers.

Imports the standard library only. Times are timezone-aware UTC; durations are seconds; serials and
fingerprints are lower-case hex. A row never holds a secret: secrets live sealed in their own table.
Status words are those of RFC 8555 section 7.1.6 where the RFC has one.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any


class RequestStatus(StrEnum):
    """Where a request stands, in the order of its way; the last four are ends or waits."""

    DRAFT = "draft"
    QUEUED = "queued"
    ORDERING = "ordering"
    PRESENTING = "presenting"
    PROPAGATING = "propagating"
    VALIDATING = "validating"
    FINALIZING = "finalizing"
    AVAILABLE = "available"
    SAVED = "saved"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARKED = "parked"

    @property
    def active(self) -> bool:
        """Whether work is under way or will be taken up again."""
        return self in ACTIVE_STATUSES

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself (an available version may still be saved)."""
        return self in ENDED_STATUSES


ACTIVE_STATUSES = frozenset(
    {
        RequestStatus.QUEUED,
        RequestStatus.ORDERING,
        RequestStatus.PRESENTING,
        RequestStatus.PROPAGATING,
        RequestStatus.VALIDATING,
        RequestStatus.FINALIZING,
        RequestStatus.PARKED,
    }
)
ENDED_STATUSES = frozenset(
    {
        RequestStatus.AVAILABLE,
        RequestStatus.SAVED,
        RequestStatus.FAILED,
        RequestStatus.CANCELLED,
    }
)


class RequestKind(StrEnum):
    """Why a version is asked for."""

    ISSUE = "issue"
    RENEW = "renew"
    REISSUE = "reissue"
    MOVE = "move"


class ChallengeType(StrEnum):
    """The ways of proving control that kmtui answers (RFC 8555 sections 8.3 and 8.4)."""

    HTTP_01 = "http-01"
    DNS_01 = "dns-01"


class KeyType(StrEnum):
    """Key algorithms and sizes for accounts and certificates."""

    EC256 = "ec256"
    EC384 = "ec384"
    RSA2048 = "rsa2048"
    RSA3072 = "rsa3072"
    RSA4096 = "rsa4096"


class SaveMode(StrEnum):
    """Whether an issued version waits for the operator or becomes current by itself."""

    ASK = "ask"
    ALWAYS = "always"


class CertificateStatus(StrEnum):
    """A certificate's own state, derived from its versions and the clock, never stored."""

    PENDING = "pending"
    """No version was issued yet."""
    AVAILABLE = "available"
    """A first version was issued and waits to be saved."""
    VALID = "valid"
    DUE = "due"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ARCHIVED = "archived"


class VersionStatus(StrEnum):
    """One version's state, derived from its saving, its successor, its revocation and the clock."""

    AVAILABLE = "available"
    CURRENT = "current"
    REPLACED = "replaced"
    REVOKED = "revoked"
    EXPIRED = "expired"


class ServerKind(StrEnum):
    """Kinds of end server."""

    LOCAL = "local"
    STANDALONE = "standalone"
    SSH = "ssh"


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


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of a test or an advisory check: fine, not fine, or advice."""

    ok: bool | None
    """None: worth knowing, neither good nor bad."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProblem:
    """One name's part of a problem document (RFC 8555 section 6.7.1)."""

    identifier: str
    type: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, told for an operator: what happened, what to do, what the other side said.

    Stored with the request it ended. `type` is the ACME error type as the server sent it
    (``urn:ietf:params:acme:error:…``) or a kmtui word (``kmtui:dns-not-visible``).
    """

    type: str
    detail: str
    """The other side's words, verbatim and unfiltered; filter before showing."""
    what: str = ""
    """What happened, in plain words of ours."""
    hint: str = ""
    """What to do next."""
    where: str = ""
    """Order, authorization or server to quote."""
    http_status: int | None = None
    retry_after: float | None = None
    """Seconds the server asked to wait."""
    subproblems: tuple[SubProblem, ...] = ()
    instance: str = ""
    """A link for a human, e.g. changed terms of service."""

    @property
    def short_type(self) -> str:
        """The last word of the type: ``rejectedIdentifier``."""
        return self.type.rsplit(":", 1)[-1]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A stable id and label: a set of names and how to get them. It has many versions."""

    id: str
    name: str
    """Label, unique."""
    names: tuple[str, ...]
    account_id: str | None
    account: str | None
    ca: str | None
    key_type: str
    profile: str | None
    auto_renew: bool
    auto_save: str
    created_at: datetime
    current_version: int | None = None
    unsaved_version: int | None = None
    version_count: int = 0
    not_before: datetime | None = None
    not_after: datetime | None = None
    """Of the current version; of the unsaved one while there is no current version."""
    revoked_at: datetime | None = None
    """When the current version was revoked."""
    renew_at: datetime | None = None
    archived_at: datetime | None = None
    issuer: str = ""
    last_request_id: str | None = None
    last_request_number: int | None = None
    last_request_kind: str | None = None
    last_request_status: str | None = None
    last_request_at: datetime | None = None
    last_request_error: str = ""
    """One line: the short error type and the name it concerns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One issued X.509 certificate: immutable. Saving and revoking are facts beside it."""

    id: str
    certificate_id: str
    certificate: str
    request_id: str | None
    number: int
    serial: str
    issuer: str
    subject: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key_type: str
    sha256: str
    spki_sha256: str
    issued_at: datetime
    chain_pem: str = ""
    """Leaf first. Empty in lists."""
    has_key: bool = True
    why: str = ""
    """Kind of the request that got it."""
    saved_at: datetime | None = None
    replaced_at: datetime | None = None
    revoked_at: datetime | None = None
    revocation_reason: str | None = None


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
    """Parked until then."""
    order_url: str | None = None
    order_status: str | None = None
    version: int | None = None
    problem: Problem | None = None
    retry_of: str | None = None


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
class Activity:
    """One line of the append-only audit trail."""

    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str | None
    object_name: str
    outcome: str
    """`ok`, `failed` or `started`."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSlot:
    """One way of opening the vault: a passphrase or a key file."""

    id: int
    kind: str
    """`passphrase` or `key-file`."""
    created_at: datetime
    parameters: MappingType[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of certificate a CA offers by name (draft-ietf-acme-profiles)."""

    name: str
    lifetime_hours: int | None = None
    max_names: int | None = None
    ip: bool = False
    """Whether it takes IP addresses as names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """When a CA ended its service, and where to go instead."""

    no_new_accounts: date
    last_orders: date
    last_issuance: date
    endpoint_off: str
    """Year and month its ACME endpoint stopped answering: ``2026-04``."""
    alternatives: tuple[str, ...]
    """Names of active CAs, the closest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA: its ACME directory, how it is trusted, and what it is known to allow.

    What is not known is None; the directory itself has the last word (RFC 8555 section 7.1.1).
    """

    name: str
    title: str
    directory_url: str
    """Empty while `state` is ``custom-url``: the CA gives each customer a URL of their own."""
    state: str
    """`active`, `retired`, `custom` (added by the operator) or `custom-url`."""
    eab: str = "none"
    """External account binding (RFC 8555 section 7.3.4): `none` or `required`."""
    single_account: bool = False
    """Whether kmtui keeps to one account there."""
    email_required: bool = False
    test: bool = False
    """Whether its certificates are for trying out: no browser trusts them."""
    max_names: int | None = None
    adds_www: bool = False
    """Whether it adds ``www.`` to the name unasked."""
    wildcard: bool | None = None
    ip: bool | None = None
    lifetime_days: int | None = None
    challenge_types: tuple[str, ...] = (ChallengeType.HTTP_01, ChallengeType.DNS_01)
    key_types: tuple[str, ...] = tuple(KeyType)
    """Key types of certificates it signs."""
    profiles: tuple[Profile, ...] = ()
    ari: bool | None = None
    key_rollover: bool | None = None
    orders_list: bool | None = None
    limits: tuple[str, ...] = ()
    """Rate and other limits, a sentence each."""
    notes: tuple[str, ...] = ()
    """What an operator should know before using it, a sentence each."""
    sources: tuple[str, ...] = ()
    checked_on: date | None = None
    retired: Retirement | None = None
    ca_bundle: str | None = None
    """PEM roots that replace the system's trust."""
    proxy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which rows of a list to show, in which order: what a table or a command asks for.

    `text` holds plain words that must all occur, ``!word`` that must not, and qualifiers such as
    ``status:due``, ``account:name`` or ``ca:name``.
    """

    now: datetime
    """The moment that time-derived states are judged at."""
    text: str = ""
    sort: str = ""
    """A sort word of the list; empty for its own order."""
    descending: bool | None = None
    """None is the natural direction of the sort word; without a sort word it says nothing."""
    offset: int = 0
    limit: int = 128
    include_archived: bool = False


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


# Moments that follow from a certificate's dates: judged alike by lists, counts and screens

SHORT_LIVED = timedelta(days=10)
"""Certificates that live shorter are renewed at half of their life, others at two thirds."""
EXPIRING = timedelta(days=7)
"""A valid certificate with less left is expiring, unless an eighth of its life is shorter."""


def renewal_due_at(
    not_before: datetime | None, not_after: datetime, renew_at: datetime | None
) -> datetime:
    """When the renewal window begins.

    What the CA suggested (`renew_at`, from renewal information) rules. Without it: when a third of
    the life is left, or half for certificates that live less than ten days.
    """
    if renew_at is not None:
        return renew_at
    if not_before is None:
        return not_after - EXPIRING
    life = not_after - not_before
    return not_after - (life / 2 if life < SHORT_LIVED else life / 3)


def expiring_at(not_before: datetime | None, not_after: datetime) -> datetime:
    """When a certificate counts as expiring: 7 days or an eighth of its life left.

    The smaller of the two rules, so that a six-day certificate is not expiring from its first day.
    """
    if not_before is None:
        return not_after - EXPIRING
    return not_after - min(EXPIRING, (not_after - not_before) / 8)
