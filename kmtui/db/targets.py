"""Targets: where the versions of a certificate are put, and how far that is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.core.errors import NotFound
from kmtui.db import filters, rows, secrets
from kmtui.db.tables import CertificateRow, EndServerRow
from kmtui.db.target_tables import TargetRow
from kmtui.model import Target, TargetState

OWNER = "target"
CHANGEABLE = frozenset(TargetRow.model_fields) - {
    *("id", "certificate_id", "server_id", "hook", "created_at", "attempt")
}
"""What stays for life: whose target it is, and the kind of its place."""
_NEXT = col(TargetRow.next_attempt_at)
_LIVE = col(CertificateRow.archived_at).is_(None)


def insert(session: Session, target: Target) -> None:
    """Store a target.

    Raises Refused when its place belongs to another target, or its name to one of the same
    certificate.
    """
    fields = {name: getattr(target, name) for name in TargetRow.model_fields}
    rows.add(session, TargetRow(**fields))


def get(session: Session, target_id: str) -> Target:
    """The target of that id. Raises NotFound."""
    found = _where(session, col(TargetRow.id) == target_id)
    if not found:
        raise NotFound(f"no target {target_id!r}")
    return found[0]


def named(session: Session, certificate_id: str, word: str) -> Target | None:
    """The certificate's target of that name or id."""
    own = col(TargetRow.certificate_id) == certificate_id
    for column in (col(TargetRow.name), col(TargetRow.id)):
        if found := _where(session, own, column == word):
            return found[0]
    return None


def list_all(session: Session) -> list[Target]:
    """Every target of certificates that are not archived, by certificate and name."""
    return _where(session, _LIVE)


def of_certificate(session: Session, certificate_id: str) -> list[Target]:
    """The targets of a certificate, by name."""
    return _where(session, col(TargetRow.certificate_id) == certificate_id)


def of_server(session: Session, server_id: str) -> list[Target]:
    """The targets on an end server, by certificate and name."""
    return _where(session, col(TargetRow.server_id) == server_id)


def counts_by_server(session: Session) -> dict[str | None, int]:
    """How many targets each end server has that has any; those of hooks under None."""
    server_id = col(TargetRow.server_id)
    return dict(session.exec(select(server_id, func.count()).group_by(server_id)).all())


def counts(session: Session) -> dict[str, int]:
    """How many targets are in each state that any is in."""
    state = col(TargetRow.state)
    statement = select(state, func.count()).where(_LIVE).group_by(state)
    joined = statement.join(CertificateRow, col(CertificateRow.id) == col(TargetRow.certificate_id))
    return dict(session.exec(joined).all())


def certificates_at(state: str) -> SelectOfScalar[str]:
    """The ids of the certificates with a target in that state."""
    return select(TargetRow.certificate_id).where(TargetRow.state == state)


def certificates_on(server_ids: Collection[str]) -> SelectOfScalar[str]:
    """The ids of the certificates with a target on one of these end servers."""
    return select(TargetRow.certificate_id).where(col(TargetRow.server_id).in_(server_ids))


def some(session: Session, ids: Collection[str]) -> list[Target]:
    """The targets of these ids that there are, by certificate and name."""
    return _where(session, col(TargetRow.id).in_(ids))


def due(session: Session, now: datetime) -> list[Target]:
    """Those that something may be done for now; somebody may be at it already."""
    return _where(session, and_(_NEXT.is_not(None), now >= _NEXT), _LIVE)


def not_well(session: Session) -> list[Target]:
    """Those whose last attempt or proof did not end well."""
    return _where(session, col(TargetRow.error) != "", _LIVE)


def update(session: Session, target_id: str, **fields: Any) -> None:
    """Set columns of a target. Raises NotFound."""
    rows.change(session, TargetRow, "target", target_id, fields, CHANGEABLE)


def want(
    session: Session,
    certificate_id: str,
    version: int,
    at: datetime,
    *,
    only: Collection[str] | None = None,
    forced: bool = False,
) -> list[str]:
    """A version is to be at each target of a certificate, or `only` at those: at once.

    An attempt that is under way goes on; who makes it looks again at its end. Returns their ids.
    """
    state = col(TargetRow.state)
    statement = (
        sql_update(TargetRow)
        .where(col(TargetRow.certificate_id) == certificate_id)
        .values(
            wanted_version=version,
            forced=forced,
            failures=0,
            next_attempt_at=at,
            state=case((state == TargetState.UPLOADING, state), else_=TargetState.WAITING),
        )
        .returning(col(TargetRow.id))
    )
    if only is not None:
        statement = statement.where(col(TargetRow.id).in_(only))
    return list(session.exec(statement).scalars())


def claim(session: Session, target_id: str, worker: str, *, held: int) -> int | None:
    """Take a target up as `worker`; None when another process took it since `held` was read.

    Returns the new fencing number.
    """
    statement = (
        sql_update(TargetRow)
        .where(col(TargetRow.id) == target_id, col(TargetRow.attempt) == held)
        .values(attempt=held + 1, worker=worker)
        .returning(col(TargetRow.attempt))
    )
    return session.exec(statement).scalar_one_or_none()


def claimed(session: Session, target_id: str) -> tuple[int, str | None]:
    """The fencing number and who holds it. Raises NotFound."""
    statement = select(TargetRow.attempt, TargetRow.worker).where(TargetRow.id == target_id)
    found = session.exec(statement).first()
    if found is None:
        raise NotFound(f"no target {target_id!r}")
    return found


def delete(session: Session, target_id: str) -> None:
    """Remove a target and its seal; its history stays. Raises NotFound."""
    row = rows.existing(session, TargetRow, "target", target_id, col(TargetRow.id))
    secrets.delete_for(session, OWNER, target_id)
    rows.remove(session, row)


def _where(session: Session, *conditions: filters.Condition) -> list[Target]:
    statement = (
        select(TargetRow, CertificateRow.name, EndServerRow.name)
        .join(CertificateRow, col(CertificateRow.id) == col(TargetRow.certificate_id))
        .outerjoin(EndServerRow, col(EndServerRow.id) == col(TargetRow.server_id))
        .where(*conditions)
        .order_by(col(CertificateRow.name), col(TargetRow.name))
    )
    return [
        Target(
            **{name: getattr(row, name) for name in TargetRow.model_fields},
            certificate=certificate,
            server=server,
        )
        for row, certificate, server in session.exec(statement)
    ]
