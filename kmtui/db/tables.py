"""The tables of the inventory as SQLModel classes; the migrations hold their constraints.

One class per table, fields in the table's order. Only `kmtui.db` sees these rows: queries hand out
the frozen rows of `kmtui.model`. SQLModel does not validate table rows, so the checks that matter
(status words, one-of, insert-only) are CHECKs, indexes and triggers in `migrations/versions`.
An authorization (RFC 8555 section 7.1.4) is folded into its `challenge` row: kmtui answers exactly
one challenge per authorization, so a second table would hold one URL per row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from kmtui.db.columns import END_OF_TIME, FreeText, JsonText, Names, Utc


class CaRow(SQLModel, table=True):
    """A custom CA; those of the catalogue are data of the program."""

    __tablename__ = "ca"
    id: str = Field(primary_key=True)
    name: str
    title: str
    directory_url: str
    ca_bundle: str | None = None
    proxy: str | None = None
    max_names: int | None = None
    single_account: bool = False
    lifetime_days: int | None = None
    created_at: datetime = Field(sa_type=Utc)


class AccountRow(SQLModel, table=True):
    """A registration at a CA. Its key is the secret of kind ``key`` that it owns."""

    __tablename__ = "account"
    id: str = Field(primary_key=True)
    name: str
    ca: str
    directory_url: str
    account_url: str | None = None
    status: str
    email: str | None = None
    key_type: str
    key_thumbprint: str
    terms_url: str | None = None
    terms_agreed_at: datetime | None = Field(default=None, sa_type=Utc)
    created_at: datetime = Field(sa_type=Utc)


class DnsAccountRow(SQLModel, table=True):
    """A DNS provider's settings; its secrets are owned rows of `secret`, one kind per field."""

    __tablename__ = "dns_account"
    id: str = Field(primary_key=True)
    name: str
    provider: str
    settings: dict[str, Any] = Field(sa_type=JsonText)
    zones: tuple[str, ...] = Field(sa_type=Names)
    created_at: datetime = Field(sa_type=Utc)
    last_test_at: datetime | None = Field(default=None, sa_type=Utc)
    last_test_ok: bool | None = None
    last_test_detail: str = Field(default="", sa_type=FreeText)


class EndServerRow(SQLModel, table=True):
    """A place that serves http-01 files and receives certificates."""

    __tablename__ = "end_server"
    id: str = Field(primary_key=True)
    name: str
    kind: str
    settings: dict[str, Any] = Field(sa_type=JsonText)
    created_at: datetime = Field(sa_type=Utc)
    last_test_at: datetime | None = Field(default=None, sa_type=Utc)
    last_test_ok: bool | None = None
    last_test_detail: str = Field(default="", sa_type=FreeText)


class MappingRow(SQLModel, table=True):
    """Name pattern to challenge type and DNS account or end server."""

    __tablename__ = "mapping"
    id: str = Field(primary_key=True)
    pattern: str
    challenge_type: str
    dns_account_id: str | None = Field(default=None, foreign_key="dns_account.id")
    server_id: str | None = Field(default=None, foreign_key="end_server.id")
    alias: str | None = None
    webroot: str | None = None
    created_at: datetime = Field(sa_type=Utc)


class CertificateRow(SQLModel, table=True):
    """A certificate, with everything its list shows or sorts by copied beside it.

    The columns from `current_version` on are copies, written by `certificates.refresh`; the facts
    are in `version`, `version_state` and `request`.
    """

    __tablename__ = "certificate"
    id: str = Field(primary_key=True)
    name: str
    names: tuple[str, ...] = Field(sa_type=Names)
    search_text: str = Field(sa_type=FreeText)
    """Label and names, case-folded, with the Unicode form of international names."""
    account_id: str | None = Field(default=None, foreign_key="account.id")
    key_type: str
    profile: str | None = None
    auto_renew: bool
    auto_save: str
    created_at: datetime = Field(sa_type=Utc)
    renew_at: datetime | None = Field(default=None, sa_type=Utc)
    archived_at: datetime | None = Field(default=None, sa_type=Utc)
    current_version: int | None = None
    unsaved_version: int | None = None
    version_count: int = 0
    not_before: datetime | None = Field(default=None, sa_type=Utc)
    not_after: datetime | None = Field(default=None, sa_type=Utc)
    expiring_at: datetime | None = Field(default=None, sa_type=Utc)
    current_revoked_at: datetime | None = Field(default=None, sa_type=Utc)
    issuer: str = Field(default="", sa_type=FreeText)
    last_request_id: str | None = None
    last_request_number: int | None = None
    last_request_kind: str | None = None
    last_request_status: str | None = None
    last_request_at: datetime | None = Field(default=None, sa_type=Utc)
    last_request_error: str = Field(default="", sa_type=FreeText)
    expiry_key: datetime = Field(default=END_OF_TIME, sa_type=Utc)
    """`not_after`, or the end of time: sorts certificates without a version last."""
    due_at: datetime = Field(default=END_OF_TIME, sa_type=Utc)
    """When the renewal window of the current version begins, or the end of time."""
    purged_at: datetime | None = Field(default=None, sa_type=Utc)
    reuse_key: bool = False
    preferred_chain: str | None = Field(default=None, sa_type=FreeText)
    profile_required: bool = True


class CertificateNameRow(SQLModel, table=True):
    """One name of one certificate, to find certificates by name."""

    __tablename__ = "certificate_name"
    name: str = Field(primary_key=True)
    certificate_id: str = Field(primary_key=True, foreign_key="certificate.id")


class RequestRow(SQLModel, table=True):
    """One attempt to get a version. Its generated key is a secret that it owns."""

    __tablename__ = "request"
    number: int | None = Field(default=None, primary_key=True)
    id: str
    kind: str
    certificate_id: str | None = Field(default=None, foreign_key="certificate.id")
    account_id: str | None = Field(default=None, foreign_key="account.id")
    names: tuple[str, ...] = Field(sa_type=Names)
    names_hash: str
    search_text: str = Field(sa_type=FreeText)
    spec: dict[str, Any] = Field(sa_type=JsonText)
    status: str
    step: str = Field(default="", sa_type=FreeText)
    problem: dict[str, Any] | None = Field(default=None, sa_type=JsonText)
    created_at: datetime = Field(sa_type=Utc)
    finished_at: datetime | None = Field(default=None, sa_type=Utc)
    not_before: datetime | None = Field(default=None, sa_type=Utc)
    order_url: str | None = Field(default=None, sa_type=FreeText)
    order_status: str | None = Field(default=None, sa_type=FreeText)
    version: int | None = None
    retry_of: str | None = None
    csr: bytes | None = Field(default=None, sa_type=LargeBinary)
    attempt: int = 0
    """The fencing number: it grows with each claim."""
    owner: str | None = None
    """The process that works on it, or did."""
    replaces: str | None = Field(default=None, sa_type=FreeText)
    retries: int = 0


class RequestLogRow(SQLModel, table=True):
    """One line of a request's log; insert-only."""

    __tablename__ = "request_log"
    id: int | None = Field(default=None, primary_key=True)
    request_id: str = Field(foreign_key="request.id")
    at: datetime = Field(sa_type=Utc)
    level: str
    text: str = Field(sa_type=FreeText)


class ChallengeRow(SQLModel, table=True):
    """One name's authorization and the challenge chosen in it."""

    __tablename__ = "challenge"
    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="request.id")
    position: int
    identifier: str = Field(sa_type=FreeText)
    wildcard: bool
    type: str
    status: str = Field(sa_type=FreeText)
    fqdn: str = Field(sa_type=FreeText)
    value: str = Field(sa_type=FreeText)
    detail: str = Field(default="", sa_type=FreeText)
    servers: dict[str, Any] = Field(sa_type=JsonText)
    via: str
    url: str | None = Field(default=None, sa_type=FreeText)
    authorization_url: str | None = Field(default=None, sa_type=FreeText)
    presented_at: datetime | None = Field(default=None, sa_type=Utc)
    validated_at: datetime | None = Field(default=None, sa_type=Utc)


class CleanupRow(SQLModel, table=True):
    """Journal of challenge answers: written before the effect, done when the answer is gone."""

    __tablename__ = "cleanup"
    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="request.id")
    kind: str
    dns_account_id: str | None = Field(default=None, foreign_key="dns_account.id")
    server_id: str | None = Field(default=None, foreign_key="end_server.id")
    name: str
    value: str = Field(sa_type=FreeText)
    handle: dict[str, Any] = Field(sa_type=JsonText)
    state: str
    attempts: int = 0
    next_attempt_at: datetime | None = Field(default=None, sa_type=Utc)
    last_error: str = Field(default="", sa_type=FreeText)
    created_at: datetime = Field(sa_type=Utc)


class RenewalRow(SQLModel, table=True):
    """When one certificate's current version shall be renewed, and who says so."""

    __tablename__ = "renewal"
    certificate_id: str = Field(primary_key=True, foreign_key="certificate.id")
    version_number: int
    cert_id: str | None = Field(default=None, sa_type=FreeText)
    """The version's name in renewal information (RFC 9773 section 4.1)."""
    source: str
    window_start: datetime | None = Field(default=None, sa_type=Utc)
    window_end: datetime | None = Field(default=None, sa_type=Utc)
    explanation_url: str | None = Field(default=None, sa_type=FreeText)
    renew_at: datetime | None = Field(default=None, sa_type=Utc)
    checked_at: datetime | None = Field(default=None, sa_type=Utc)
    next_check_at: datetime | None = Field(default=None, sa_type=Utc)
    failures: int = 0
    error: str = Field(default="", sa_type=FreeText)


class RateEventRow(SQLModel, table=True):
    """One order, certificate or failed validation that counts against a CA's limits."""

    __tablename__ = "rate_event"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Utc)
    ca: str
    what: str
    per: str
    scope: str
    request_id: str | None = None


class VersionRow(SQLModel, table=True):
    """One issued X.509 certificate; insert-only."""

    __tablename__ = "version"
    id: str = Field(primary_key=True)
    certificate_id: str = Field(foreign_key="certificate.id")
    request_id: str | None = None
    number: int
    serial: str
    issuer: str = Field(sa_type=FreeText)
    subject: str = Field(sa_type=FreeText)
    names: tuple[str, ...] = Field(sa_type=Names)
    not_before: datetime = Field(sa_type=Utc)
    not_after: datetime = Field(sa_type=Utc)
    key_type: str
    sha256: str
    spki_sha256: str
    issued_at: datetime = Field(sa_type=Utc)
    why: str
    key_secret_id: str | None = None
    search_text: str = Field(sa_type=FreeText)
    chain_pem: str
    """Last, so that a list never reads the overflow pages it fills."""


class VersionStateRow(SQLModel, table=True):
    """What happened to a version since it was issued."""

    __tablename__ = "version_state"
    version_id: str = Field(primary_key=True, foreign_key="version.id")
    saved_at: datetime | None = Field(default=None, sa_type=Utc)
    replaced_at: datetime | None = Field(default=None, sa_type=Utc)
    revoked_at: datetime | None = Field(default=None, sa_type=Utc)
    revocation_reason: str | None = None


class SavedFilterRow(SQLModel, table=True):
    """A filter and an order of one list that an operator keeps under a name."""

    __tablename__ = "saved_filter"
    list: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    text: str = Field(sa_type=FreeText)
    sort: str
    descending: bool
    created_at: datetime = Field(sa_type=Utc)


class BlockedKeyRow(SQLModel, table=True):
    """A key given up as compromised, by the hash of its SubjectPublicKeyInfo; insert-only."""

    __tablename__ = "blocked_key"
    spki_sha256: str = Field(primary_key=True)
    blocked_at: datetime = Field(sa_type=Utc)
    certificate: str = Field(sa_type=FreeText)


class ActivityRow(SQLModel, table=True):
    """One line of the audit trail; insert-only, each line sealed to the one before by its hash."""

    __tablename__ = "activity"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Utc)
    actor: str = Field(sa_type=FreeText)
    action: str
    object_type: str
    object_id: str | None = None
    object_name: str = Field(sa_type=FreeText)
    outcome: str
    detail: str = Field(default="", sa_type=FreeText)
    hash: str
    origin: str = Field(default="", sa_type=FreeText)


class SecretRow(SQLModel, table=True):
    """One sealed value and the row that owns it."""

    __tablename__ = "secret"
    id: str = Field(primary_key=True)
    owner_table: str
    owner_id: str
    kind: str
    blob: bytes = Field(sa_type=LargeBinary)


class VaultSlotRow(SQLModel, table=True):
    """One way of opening the vault: the data key wrapped under a passphrase or key file."""

    __tablename__ = "vault_slot"
    id: int = Field(primary_key=True)
    kind: str
    created_at: datetime = Field(sa_type=Utc)
    parameters: dict[str, Any] = Field(sa_type=JsonText)
    wrapped: bytes = Field(sa_type=LargeBinary)


class SettingRow(SQLModel, table=True):
    """One setting of this inventory, by name."""

    __tablename__ = "setting"
    name: str = Field(primary_key=True)
    value: str = Field(sa_type=FreeText)
