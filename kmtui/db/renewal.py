"""Renewal plans, and which certificates an unattended run has to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_
from sqlalchemy import update as sql_update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from kmtui.db import certificates, requests
from kmtui.db.certificate_states import IN_FORCE, LIVE
from kmtui.db.tables import CertificateRow, RenewalRow, RequestRow
from kmtui.model import ACTIVE_STATUSES, Certificate, RenewalPlan, Request, RequestStatus

AT_ONCE = 500
"""Plans in one statement: every id in it is a variable, and their number is limited."""

_ISSUED = (RequestStatus.AVAILABLE, RequestStatus.SAVED)
_TRYING = (*ACTIVE_STATUSES, RequestStatus.FAILED)
_PLANNED = and_(
    col(RenewalRow.certificate_id) == col(CertificateRow.id),
    col(RenewalRow.version_number) == col(CertificateRow.current_version),
)


def watched(session: Session) -> list[Certificate]:
    """Every certificate that is not archived, the first to renew first."""
    return certificates.matching(session, LIVE)


def due(session: Session, now: datetime) -> list[Certificate]:
    """Certificates that renew by themselves and whose time has come, the first first."""
    return certificates.matching(
        session,
        IN_FORCE,
        col(CertificateRow.due_at) <= now,
        col(CertificateRow.auto_renew).is_(True),
    )


def in_force(session: Session) -> int:
    """How many certificates have a current version that was not revoked."""
    statement = select(func.count()).select_from(CertificateRow).where(IN_FORCE)
    return session.exec(statement).one()


def unplanned(session: Session) -> list[Certificate]:
    """Certificates in force without a plan for their current version."""
    planned = select(RenewalRow.certificate_id).where(_PLANNED).exists()
    return certificates.matching(session, IN_FORCE, ~planned)


def to_check(session: Session, now: datetime) -> list[tuple[Certificate, RenewalPlan]]:
    """Certificates whose CA wants to be asked by now, the longest waiting first.

    RFC 9773 section 4.1: not for one that expired or was replaced. Nor without an account, for
    then nobody knows whom to ask, or where a renewal is not wanted.
    """
    conditions = (
        col(RenewalRow.next_check_at) <= now,
        IN_FORCE,
        col(CertificateRow.not_after) > now,
        col(CertificateRow.account_id).is_not(None),
        col(CertificateRow.auto_renew).is_(True),
    )
    rows = session.exec(
        select(RenewalRow)
        .join(CertificateRow, _PLANNED)
        .where(*conditions)
        .order_by(col(RenewalRow.next_check_at))
    ).all()
    ids = select(RenewalRow.certificate_id).join(CertificateRow, _PLANNED).where(*conditions)
    by_id = {c.id: c for c in certificates.matching(session, col(CertificateRow.id).in_(ids))}
    return [(by_id[row.certificate_id], _model(row)) for row in rows]


def plan(session: Session, certificate_id: str) -> RenewalPlan | None:
    """The plan for a certificate, if there is one."""
    row = session.get(RenewalRow, certificate_id)
    return None if row is None else _model(row)


def plans(session: Session) -> dict[str, RenewalPlan]:
    """Every plan, by the id of its certificate."""
    return {row.certificate_id: _model(row) for row in session.exec(select(RenewalRow))}


def put(session: Session, plans: Sequence[RenewalPlan]) -> None:
    """Store plans, each in place of the former, with the copy that lists and selections go by.

    A plan for a version that is not the current one any more is dropped.
    """
    for start in range(0, len(plans), AT_ONCE):
        _put(session, plans[start : start + AT_ONCE])


def _put(session: Session, plans: Sequence[RenewalPlan]) -> None:
    current = dict(
        session.exec(
            select(CertificateRow.id, CertificateRow.current_version).where(
                col(CertificateRow.id).in_([one.certificate_id for one in plans]), IN_FORCE
            )
        ).all()
    )
    kept = [one for one in plans if current.get(one.certificate_id) == one.version_number]
    if not kept:
        return
    ids = [one.certificate_id for one in kept]
    session.exec(delete(RenewalRow).where(col(RenewalRow.certificate_id).in_(ids)))
    session.add_all(
        RenewalRow(**{name: getattr(one, name) for name in RenewalRow.model_fields}) for one in kept
    )
    session.flush()
    session.execute(
        sql_update(CertificateRow),
        [
            {"id": one.certificate_id, "renew_at": one.renew_at, "due_at": one.renew_at}
            for one in kept
        ],
    )


def attempts(
    session: Session, certificate_ids: Iterable[str] | None = None
) -> dict[str, list[Request]]:
    """The requests since the last version, newest first, by certificate.

    Of these certificates; by default of all that are not archived and whose last one failed or is
    under way.
    """
    wanted: Any = None if certificate_ids is None else list(certificate_ids)
    if wanted is None:
        trying = col(CertificateRow.last_request_status).in_(_TRYING)
        wanted = select(CertificateRow.id).where(LIVE, trying)
    other = aliased(RequestRow)
    last_issued = (
        select(func.max(other.number))
        .where(other.certificate_id == RequestRow.certificate_id, col(other.status).in_(_ISSUED))
        .correlate(RequestRow)
        .scalar_subquery()
    )
    rows = requests.matching(
        session,
        col(RequestRow.certificate_id).in_(wanted),
        col(RequestRow.status) != RequestStatus.DRAFT,
        or_(last_issued.is_(None), col(RequestRow.number) > last_issued),
    )
    found: dict[str, list[Request]] = {}
    for row in rows:
        found.setdefault(row.certificate_id or "", []).append(row)
    return found


def _model(row: RenewalRow) -> RenewalPlan:
    fields = {name: getattr(row, name) for name in RenewalRow.model_fields}
    return RenewalPlan(**fields)
