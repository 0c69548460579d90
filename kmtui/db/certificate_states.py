"""A certificate's state at a moment, as conditions that indexes answer.

The words and their precedence are those of `CertificateStatus`; the screens derive the same state
from a row, and a test holds the two together.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, literal_column
from sqlmodel import Session, col, select

from kmtui.db.filters import Condition
from kmtui.db.tables import CertificateRow
from kmtui.model import ACTIVE_STATUSES, CertificateStatus

LIVE = col(CertificateRow.archived_at).is_(None)
# The next conditions repeat those of the partial indexes word for word, so that SQLite uses them.
_SAVED = and_(LIVE, col(CertificateRow.current_version).is_not(None))
IN_FORCE = and_(_SAVED, col(CertificateRow.current_revoked_at).is_(None))
_UNSAVED = and_(LIVE, col(CertificateRow.unsaved_version).is_not(None))
_FAILING = and_(LIVE, col(CertificateRow.last_request_status) == literal_column("'failed'"))

COUNTED = ("expired", "expiring", "due", "failing", "unsaved")


def states(now: datetime) -> dict[str, Condition]:
    """Each word that ``status:`` knows, with its condition at `now`.

    Beside the states: `failing` (the last request failed), `running`, `unsaved`.
    """
    not_after = col(CertificateRow.not_after)
    expiring_at = col(CertificateRow.expiring_at)
    due_at = col(CertificateRow.due_at)
    never_saved = and_(LIVE, col(CertificateRow.current_version).is_(None))
    waiting = col(CertificateRow.unsaved_version)
    return {
        CertificateStatus.PENDING: and_(never_saved, waiting.is_(None)),
        CertificateStatus.AVAILABLE: and_(never_saved, waiting.is_not(None)),
        CertificateStatus.VALID: and_(IN_FORCE, expiring_at > now, due_at > now),
        CertificateStatus.DUE: and_(IN_FORCE, due_at <= now, expiring_at > now),
        CertificateStatus.EXPIRING: and_(IN_FORCE, expiring_at <= now, not_after >= now),
        CertificateStatus.EXPIRED: and_(IN_FORCE, not_after < now),
        CertificateStatus.REVOKED: and_(
            _SAVED, col(CertificateRow.current_revoked_at).is_not(None)
        ),
        CertificateStatus.ARCHIVED: col(CertificateRow.archived_at).is_not(None),
        "failing": _FAILING,
        "running": and_(LIVE, col(CertificateRow.last_request_status).in_(ACTIVE_STATUSES)),
        "unsaved": _UNSAVED,
    }


def counts(session: Session, now: datetime) -> dict[str, int]:
    """How many certificates there are (`total`, without archived ones) and how many need a look.

    Keys: `total`, `expired`, `expiring`, `due`, `failing`, `unsaved`; each counts exactly what
    ``status:`` with that word shows.
    """
    conditions = states(now)
    counted = {"total": LIVE} | {word: conditions[word] for word in COUNTED}
    return {
        word: session.exec(select(func.count()).select_from(CertificateRow).where(condition)).one()
        for word, condition in counted.items()
    }
