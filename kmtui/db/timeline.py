"""How many certificates expire and renew between two moments, counted in indexes alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from kmtui.db.certificate_states import LIVE
from kmtui.db.tables import CertificateRow

_EXPIRY, _DUE = col(CertificateRow.expiry_key), col(CertificateRow.due_at)
_AUTO_RENEW = col(CertificateRow.auto_renew)


def expiring(session: Session, start: datetime, end: datetime) -> dict[bool, int]:
    """How many that were not revoked expire from `start` on and before `end`: those that renew
    unattended (True), and the others.
    """
    statement = (
        select(_AUTO_RENEW, func.count())
        .where(
            LIVE,
            start <= _EXPIRY,
            end > _EXPIRY,
            col(CertificateRow.current_revoked_at).is_(None),
        )
        .group_by(_AUTO_RENEW)
    )
    return dict(session.exec(statement).all())


def renewing(session: Session, start: datetime, end: datetime) -> dict[str | None, int]:
    """How many renew unattended from `start` on and before `end`, by the id of their account."""
    account_id = col(CertificateRow.account_id)
    statement = (
        select(account_id, func.count())
        .where(LIVE, start <= _DUE, end > _DUE, _AUTO_RENEW.is_(True))
        .group_by(account_id)
    )
    return dict(session.exec(statement).all())
