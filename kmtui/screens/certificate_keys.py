"""Which keys work on a certificate or on one of its versions, and why the others do not."""

from __future__ import annotations

from datetime import UTC, datetime

from kmtui.bindings import KEYS
from kmtui.model import Certificate, RevocationReason, Version
from kmtui.status import date

OF_ONE = ("save", "renew", "revoke", "delete")
"""Keys of the list that need a certificate to work on."""


def certificate_reason(key: str, certificate: Certificate | None) -> str:
    """Why a key of the list can do nothing to the certificate under the cursor; empty when it can.

    What stands in the way of marked ones is told once they are looked at.
    """
    if key not in OF_ONE:
        return ""
    word = KEYS[key].word
    if certificate is None:
        return f"{word}: there is no certificate here"
    name, deleted = certificate.name, certificate.archived_at is not None
    if key == "delete":
        purged = certificate.purged_at
        return f"{word}: the keys of {name} were destroyed on {date(purged)}" if purged else ""
    if key in ("save", "renew") and deleted:
        return (
            f"{word}: {name} is deleted{': u brings it back' if not certificate.purged_at else ''}"
        )
    if key == "save" and certificate.unsaved_version is None:
        return f"{word}: no version of {name} waits to be saved"
    if key == "revoke" and not certificate.version_count:
        return f"{word}: no version of {name} was issued yet"
    return ""


def revocation_reason(version: Version | None) -> str:
    """Why a version cannot be revoked; empty when it can.

    One that was revoked for another reason may turn out to be compromised: the CA is told that.
    """
    if version is None:
        return "revoke: the cursor on a version chooses one"
    if version.revocation_reason == RevocationReason.KEY_COMPROMISE:
        return f"revoke: v{version.number} is revoked already, as compromised"
    if version.not_after < datetime.now(UTC):
        return f"revoke: v{version.number} expired on {date(version.not_after)}: nobody trusts it"
    return ""


def restoring_reason(version: Version) -> str:
    """Why an earlier version cannot be made the current one again; empty when it can."""
    number = version.number
    if version.revoked_at is not None:
        return f"save: v{number} was revoked on {date(version.revoked_at)}"
    if version.not_after < datetime.now(UTC):
        return f"save: v{number} expired on {date(version.not_after)}"
    return "save: every version is saved" if version.replaced_at is None else ""
