"""Status words and other closed vocabularies.

Those of RFC 8555 section 7.1.6 where the RFC has one."""

from __future__ import annotations

from enum import StrEnum


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


ACCOUNT_KEYS = (KeyType.EC256, KeyType.EC384, KeyType.RSA2048, KeyType.RSA4096)
"""What new keys of accounts may be."""


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


class RevocationReason(StrEnum):
    """Why a version is revoked: the words of RFC 5280 section 5.3.1 a subscriber may use."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    """Somebody else may have the private key."""
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"

    @property
    def code(self) -> int:
        """The CRLReason number."""
        return _CRL_REASONS[self]


_CRL_REASONS = {
    RevocationReason.UNSPECIFIED: 0,
    RevocationReason.KEY_COMPROMISE: 1,
    RevocationReason.AFFILIATION_CHANGED: 3,
    RevocationReason.SUPERSEDED: 4,
    RevocationReason.CESSATION_OF_OPERATION: 5,
}


class RevocationSigner(StrEnum):
    """Whose key signs a revocation (RFC 8555 section 7.6)."""

    ACCOUNT = "account"
    CERTIFICATE_KEY = "certificate-key"


class ServerKind(StrEnum):
    """Kinds of end server."""

    LOCAL = "local"
    STANDALONE = "standalone"
    SSH = "ssh"


class TargetLayout(StrEnum):
    """How the files of a version lie in a target's directory."""

    PAIR = "pair"
    """``privkey.pem`` and ``fullchain.pem``."""
    COMBINED = "combined"
    """One file with the key and the chain, named after the target."""
    VERSIONED = "versioned"
    """A directory for each version, and ``current`` that leads to one."""


class TargetState(StrEnum):
    """Where a target stands."""

    WAITING = "waiting"
    """The wanted version is still to be put there, or there is none yet."""
    UPLOADING = "uploading"
    """An attempt is under way, or was cut off."""
    DEPLOYED = "deployed"
    """The version is in its place; nobody saw it being served."""
    VERIFIED = "verified"
    """The server was seen serving the version."""
    FAILED = "failed"
    STALE = "stale"
    """The server serves another certificate."""
