"""The copies beside each certificate that its list shows and sorts by, drawn from the facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import Session, col

from kmtui.core.errors import NotFound
from kmtui.db import rows
from kmtui.db.columns import END_OF_TIME
from kmtui.db.documents import problem_from_json
from kmtui.db.tables import CertificateRow, RequestRow, VersionRow, VersionStateRow
from kmtui.model import Problem, RequestStatus, expiring_at, renewal_due_at

_CERTIFICATE_OF = sqlalchemy.select(RequestRow.certificate_id).where(  # type: ignore[call-overload]
    col(RequestRow.id) == bindparam("id")
)
_POLICY = sqlalchemy.select(CertificateRow.current_version, CertificateRow.renew_at).where(  # type: ignore[call-overload]
    col(CertificateRow.id) == bindparam("id")
)
_ISSUED = (
    sqlalchemy.select(  # type: ignore[call-overload]
        VersionRow.number,
        VersionRow.issuer,
        VersionRow.not_before,
        VersionRow.not_after,
        VersionStateRow.saved_at,
        VersionStateRow.replaced_at,
        VersionStateRow.revoked_at,
    )
    .outerjoin(VersionStateRow, col(VersionStateRow.version_id) == col(VersionRow.id))
    .where(col(VersionRow.certificate_id) == bindparam("certificate_id"))
    .order_by(col(VersionRow.number).desc())
)
_LAST_REQUEST = (
    sqlalchemy.select(  # type: ignore[call-overload]
        RequestRow.id,
        RequestRow.number,
        RequestRow.kind,
        RequestRow.status,
        RequestRow.problem,
        RequestRow.created_at,
        RequestRow.finished_at,
    )
    .where(
        col(RequestRow.certificate_id) == bindparam("certificate_id"),
        col(RequestRow.status) != RequestStatus.DRAFT,
    )
    .order_by(col(RequestRow.number).desc())
    .limit(1)
)


_SET_LAST_STATUS = (
    sqlalchemy.update(CertificateRow)
    .where(
        col(CertificateRow.id)
        == sqlalchemy.select(RequestRow.certificate_id)  # type: ignore[call-overload]
        .where(col(RequestRow.id) == bindparam("request_id"))
        .scalar_subquery(),
        col(CertificateRow.last_request_id) == bindparam("request_id"),
    )
    .values(last_request_status=bindparam("status"))
)


class _Issued(NamedTuple):
    """What of a version its certificate shows."""

    number: int
    issuer: str
    not_before: datetime
    not_after: datetime
    saved_at: datetime | None = None
    replaced_at: datetime | None = None
    revoked_at: datetime | None = None


def refresh(session: Session, certificate_id: str) -> None:
    """Write the copies of one certificate anew. Raises NotFound.

    Called by every query here that changes a version or a request. When another version became the
    current one, `renew_at` is dropped: it was what the CA suggested for the former.
    """
    session.flush()  # Rows changed in the session count: what follows asks the database itself.
    row = session.connection().execute(_POLICY, {"id": certificate_id}).first()
    if row is None:
        raise NotFound(f"no certificate {certificate_id!r}")
    issued = _issued(session, certificate_id)
    current = next((v for v in issued if v.saved_at and not v.replaced_at), None)
    unsaved = next((v for v in issued if _waits(v, current)), None)
    shown = current or unsaved
    number = current.number if current else None
    renew_at = row.renew_at if row.current_version == number else None
    due_at = END_OF_TIME
    if current and not current.revoked_at:
        due_at = renewal_due_at(current.not_before, current.not_after, renew_at)
    copies = {
        "renew_at": renew_at,
        "version_count": len(issued),
        "current_version": number,
        "unsaved_version": unsaved.number if unsaved else None,
        "current_revoked_at": current.revoked_at if current else None,
        "not_before": shown.not_before if shown else None,
        "not_after": shown.not_after if shown else None,
        "issuer": shown.issuer if shown else "",
        "expiry_key": shown.not_after if shown else END_OF_TIME,
        "expiring_at": expiring_at(current.not_before, current.not_after) if current else None,
        "due_at": due_at,
        **_last_request(session, certificate_id),
    }
    rows.change(session, CertificateRow, "certificate", certificate_id, copies, copies)


def refresh_last_request(session: Session, request_id: str) -> None:
    """Write the copies of its last request anew, for the certificate of that request."""
    certificate_id = session.connection().execute(_CERTIFICATE_OF, {"id": request_id}).scalar()
    if certificate_id is not None:
        copies = _last_request(session, certificate_id)
        rows.change(session, CertificateRow, "certificate", certificate_id, copies, copies)


def refresh_last_status(session: Session, request_id: str, status: str) -> None:
    """The same where nothing but the status changed, as it does at each step."""
    session.connection().execute(_SET_LAST_STATUS, {"request_id": request_id, "status": status})
    session.expire_all()


def _issued(session: Session, certificate_id: str) -> list[_Issued]:
    """The certificate's versions, newest first."""
    found = session.connection().execute(_ISSUED, {"certificate_id": certificate_id})
    return [_Issued(*row) for row in found]


def _waits(version: _Issued, current: _Issued | None) -> bool:
    """Whether a version is newer than the current one and still to be saved."""
    untouched = not (version.saved_at or version.replaced_at or version.revoked_at)
    return untouched and (current is None or version.number > current.number)


def _last_request(session: Session, certificate_id: str) -> dict[str, Any]:
    row = session.connection().execute(_LAST_REQUEST, {"certificate_id": certificate_id}).first()
    failed = row.problem if row else None
    return {
        "last_request_id": row.id if row else None,
        "last_request_number": row.number if row else None,
        "last_request_kind": row.kind if row else None,
        "last_request_status": row.status if row else None,
        "last_request_at": (row.finished_at or row.created_at) if row else None,
        "last_request_error": _one_line(problem_from_json(failed)) if failed else "",
    }


def _one_line(problem: Problem) -> str:
    """The short error type and the first name it concerns."""
    names = [part.identifier for part in problem.subproblems[:1]]
    return " ".join([problem.short_type, *names])
