"""Saving: a version becomes the current one, and what it was asked for with the certificate's own.

A version that was reissued or moved has other names, another key type or another account than the
certificate had. Until it is saved the certificate stays as it was; from then on it is renewed so.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from kmtui.db import certificates, requests, versions
from kmtui.model import RequestKind, Version

CHANGING = frozenset({RequestKind.REISSUE, RequestKind.MOVE})
"""Kinds of request that change how a certificate is kept."""


def save(session: Session, version: Version, at: datetime) -> None:
    """Make a version that was issued just now, or waited, the current one. Raises NotFound."""
    versions.mark_saved(session, version.id, at)
    request = requests.get(session, version.request_id or "")
    if request is None or request.kind not in CHANGING:
        return
    certificates.update(
        session,
        version.certificate_id,
        names=request.names,
        account_id=request.account_id,
        key_type=request.spec.key_type,
        profile=request.spec.profile,
        preferred_chain=request.spec.preferred_chain,
        reuse_key=request.spec.reuse_key,
    )


def make_current(session: Session, version: Version, at: datetime) -> None:
    """Make an earlier version the current one again; the certificate has its names from now on.

    Account, key type and profile stay: they say how the next one is got. Raises NotFound.
    """
    versions.mark_saved(session, version.id, at)
    request = requests.get(session, version.request_id or "")
    # What was asked for: some CAs add a name unasked.
    names = request.names if request else version.names
    certificates.update(session, version.certificate_id, names=names)
