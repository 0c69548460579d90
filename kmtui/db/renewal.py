"""Renewal plans, and which certificates an unattended run has to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import and_, delete, func, or_
from sqlalchemy import update as sql_update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from kmtui.db import certificates, requests, secrets, versions
from kmtui.db.certificate_states import IN_FORCE, LIVE
from kmtui.db.tables import CertificateRow, RenewalRow, RequestRow, VersionRow
from kmtui.model import Certificate, RenewalPlan, Request, RequestStatus

T = TypeVar("T")

AT_ONCE = 500
"""Ids in one statement: every one is a variable in it, and their number is limited."""

_ISSUED = (RequestStatus.AVAILABLE, RequestStatus.SAVED)
_PLANNED = and_(
    col(RenewalRow.certificate_id) == col(CertificateRow.id),
    col(RenewalRow.version_number) == col(CertificateRow.current_version),
)


def watched(session: Session) -> list[Certificate]:
    """Every certificate that is not archived, the first to renew first."""
    return certificates.matching(session, LIVE)


def watched_of(session: Session, ids: Sequence[str]) -> list[Certificate]:
    """Those of these certificates that are not archived, in the order of the ids."""
    found = {
        row.id: row
        for some in _batches(ids)
        for row in certificates.matching(session, LIVE, col(CertificateRow.id).in_(some))
    }
    return [found[each] for each in ids if each in found]


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


def waiting_since(session: Session) -> datetime | None:
    """When the first of the certificates that renew by themselves was made; None without one."""
    statement = select(func.min(CertificateRow.created_at)).where(
        IN_FORCE, col(CertificateRow.auto_renew).is_(True)
    )
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


def with_key_elsewhere(session: Session, certificate_ids: Sequence[str]) -> set[str]:
    """Those whose current version has its key elsewhere and whose CSR is not to be reused."""
    current = and_(
        col(VersionRow.certificate_id) == col(CertificateRow.id),
        col(VersionRow.number) == col(CertificateRow.current_version),
    )
    conditions = (
        col(VersionRow.request_id).is_not(None),
        col(VersionRow.key_secret_id).is_(None),
        # A key that was imported later is the version's own.
        ~secrets.owned(versions.OWNER, col(VersionRow.id)),
        col(CertificateRow.reuse_key).is_(False),
    )
    return {
        found
        for some in _batches(certificate_ids)
        for found in session.exec(
            select(CertificateRow.id)
            .join(VersionRow, current)
            .where(col(CertificateRow.id).in_(some), *conditions)
        )
    }


def plan(session: Session, certificate_id: str) -> RenewalPlan | None:
    """The plan for a certificate, if there is one."""
    row = session.get(RenewalRow, certificate_id)
    return None if row is None else _model(row)


def plans(session: Session, certificate_ids: Sequence[str]) -> dict[str, RenewalPlan]:
    """The plans that these certificates have, by the id of the certificate."""
    return {
        row.certificate_id: _model(row)
        for some in _batches(certificate_ids)
        for row in session.exec(select(RenewalRow).where(col(RenewalRow.certificate_id).in_(some)))
    }


def drop(session: Session, certificate_id: str) -> None:
    """Forget the plan for a certificate, if there is one."""
    session.exec(delete(RenewalRow).where(col(RenewalRow.certificate_id) == certificate_id))


def put(session: Session, plans: Sequence[RenewalPlan]) -> None:
    """Store plans, each in place of the former, with the copy that lists and selections go by.

    A plan for a version that is not the current one any more is dropped.
    """
    for some in _batches(plans):
        _put(session, some)


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


def attempts(session: Session, certificate_ids: Sequence[str]) -> dict[str, list[Request]]:
    """The requests of these certificates since the last version, newest first, by certificate."""
    other = aliased(RequestRow)
    last_issued = (
        select(func.max(other.number))
        .where(other.certificate_id == RequestRow.certificate_id, col(other.status).in_(_ISSUED))
        .correlate(RequestRow)
        .scalar_subquery()
    )
    found: dict[str, list[Request]] = {}
    for some in _batches(certificate_ids):
        # Most have none: their last request was issued, and its status is copied to them.
        trying = select(CertificateRow.id).where(
            col(CertificateRow.id).in_(some),
            col(CertificateRow.last_request_status).not_in(_ISSUED),
        )
        for row in requests.matching(
            session,
            col(RequestRow.certificate_id).in_(trying),
            col(RequestRow.status) != RequestStatus.DRAFT,
            or_(last_issued.is_(None), col(RequestRow.number) > last_issued),
        ):
            found.setdefault(row.certificate_id or "", []).append(row)
    return found


def _batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


def _model(row: RenewalRow) -> RenewalPlan:
    fields = {name: getattr(row, name) for name in RenewalRow.model_fields}
    return RenewalPlan(**fields)
