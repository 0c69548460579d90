"""Certificates and their versions, and the moments that follow from their dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


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
    purged_at: datetime | None = None
    """When its keys were destroyed; its history stays."""
    reuse_key: bool = False
    """Whether a renewal keeps the key of the current version."""
    preferred_chain: str | None = None
    """The chain to prefer, by the common name of its topmost issuer."""
    profile_required: bool = True
    """Whether a CA that does not offer `profile` any more must not issue without it."""
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
    deleted: bool = False
    """Whether its certificate is deleted."""


KEPT = timedelta(days=30)
"""How long a deleted certificate can come back: an unattended run purges it then."""

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
