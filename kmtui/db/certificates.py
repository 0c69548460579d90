"""Certificates: lists that page from an index, and the one that a word means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.core.errors import Ambiguous, NotFound
from kmtui.db import accounts, certificate_filters, certificate_order, filters, rows
from kmtui.db.certificate_copies import refresh as refresh
from kmtui.db.certificate_copies import refresh_last_request as refresh_last_request
from kmtui.db.certificate_copies import refresh_last_status as refresh_last_status
from kmtui.db.certificate_order import FIELDS
from kmtui.db.certificate_states import LIVE
from kmtui.db.certificate_states import counts as counts
from kmtui.db.tables import CertificateNameRow, CertificateRow
from kmtui.model import Certificate, ListQuery

CHANGEABLE = frozenset(
    {
        *("name", "names", "account_id", "key_type", "profile", "auto_renew", "auto_save"),
        *("renew_at", "reuse_key", "preferred_chain", "profile_required"),
    }
)
SORTS = certificate_order.SORTS


def insert(session: Session, certificate: Certificate) -> None:
    """Store a new certificate; its versions and requests fill in the rest.

    Raises InvalidInput when the label is taken.
    """
    row = CertificateRow(
        id=certificate.id,
        name=certificate.name,
        names=certificate.names,
        search_text=filters.search_text(certificate.name, *certificate.names),
        account_id=certificate.account_id,
        key_type=certificate.key_type,
        profile=certificate.profile,
        auto_renew=certificate.auto_renew,
        auto_save=certificate.auto_save,
        created_at=certificate.created_at,
        renew_at=certificate.renew_at,
        archived_at=certificate.archived_at,
        reuse_key=certificate.reuse_key,
        preferred_chain=certificate.preferred_chain,
        profile_required=certificate.profile_required,
    )
    rows.insert(session, row)
    _index_names(session, row)


def get(session: Session, word: str) -> Certificate:
    """The certificate of that id, label, or name that only one certificate has.

    A name is looked for among live certificates first. Raises NotFound, Ambiguous.
    """
    row = rows.by_word(
        session, CertificateRow, word, col(CertificateRow.id), col(CertificateRow.name)
    )
    if row is not None:
        return _models(session, [row])[0]
    name = word.casefold()
    having = (
        select(CertificateRow)
        .join(CertificateNameRow, col(CertificateNameRow.certificate_id) == col(CertificateRow.id))
        .where(CertificateNameRow.name == name)
        .order_by(col(CertificateRow.name))
    )
    found = session.exec(having.where(LIVE)).all() or session.exec(having).all()
    if not found:
        raise NotFound(f"no certificate {word!r}", hint="kmtui cert list shows them")
    if len(found) > 1:
        raise Ambiguous(
            f"{len(found)} certificates have the name {word}",
            candidates=[certificate.name for certificate in found],
        )
    return _models(session, found)[0]


def live_names(session: Session) -> list[str]:
    """Every name of a certificate that is not archived, each once, in order."""
    statement = (
        select(CertificateNameRow.name)
        .join(CertificateRow, col(CertificateRow.id) == col(CertificateNameRow.certificate_id))
        .where(LIVE)
        .distinct()
        .order_by(col(CertificateNameRow.name))
    )
    return list(session.exec(statement))


def same(session: Session, *, label: str | None, names: Sequence[str]) -> Certificate | None:
    """The certificate of that label; without one, the live certificate for exactly these names."""
    if label:
        row = rows.by_word(session, CertificateRow, label, col(CertificateRow.name))
        return None if row is None else _models(session, [row])[0]
    sharing = (
        select(CertificateRow)
        .join(CertificateNameRow, col(CertificateNameRow.certificate_id) == col(CertificateRow.id))
        .where(CertificateNameRow.name == names[0].casefold(), LIVE)
        .order_by(col(CertificateRow.created_at), col(CertificateRow.id))
    )
    fitting = [row for row in session.exec(sharing) if set(row.names) == set(names)]
    return _models(session, fitting[:1])[0] if fitting else None


def free_label(session: Session, wish: str) -> str:
    """`wish` as a label, with the first free number behind it when it is taken."""
    pattern = col(CertificateRow.name).startswith(f"{wish}-", autoescape=True)
    taken = set(
        session.exec(
            select(CertificateRow.name).where(or_(col(CertificateRow.name) == wish, pattern))
        )
    )
    label, number = wish, 1
    while label in taken:
        number += 1
        label = f"{wish}-{number}"
    return label


def page(session: Session, query: ListQuery) -> list[Certificate]:
    """One page, soonest to expire first.

    Filter words are those of `FILTER_WORDS`. Archived certificates are shown by `include_archived`
    or ``status:archived``. Raises InvalidInput for a filter or an order that says nothing.
    """
    conditions = certificate_filters.conditions(session, query)
    return _from_fields(session, certificate_order.page(session, query, conditions))


def count(session: Session, query: ListQuery) -> int:
    """How many certificates the query matches."""
    conditions = certificate_filters.conditions(session, query, counting=True)
    statement = select(func.count()).select_from(CertificateRow).where(*conditions)
    return session.exec(statement).one()


def matching(session: Session, *conditions: filters.Condition) -> list[Certificate]:
    """Every certificate that meets the conditions, the first to renew first."""
    statement = (
        select(CertificateRow)
        .where(*conditions)
        .order_by(col(CertificateRow.due_at), col(CertificateRow.id))
    )
    return _models(session, session.exec(statement))


def update(session: Session, certificate_id: str, **fields: Any) -> None:
    """Set label, names or policy of a certificate.

    Raises NotFound; InvalidInput for a label that is taken.
    """
    row = _existing(session, certificate_id)
    rows.assign(session, row, fields, CHANGEABLE)
    if fields.keys() & {"name", "names"}:
        row.search_text = filters.search_text(row.name, *row.names)
        _index_names(session, row)
    refresh(session, certificate_id)


def archive(session: Session, certificate_id: str, at: datetime) -> None:
    """Hide a certificate from the everyday list; nothing is removed. Raises NotFound."""
    _set_archived(session, certificate_id, at)


def unarchive(session: Session, certificate_id: str) -> None:
    """Bring an archived certificate back. Raises NotFound."""
    _set_archived(session, certificate_id, None)


def purge(session: Session, certificate_id: str, at: datetime) -> None:
    """Note that an archived certificate's keys are gone: its label is free. Raises NotFound."""
    row = _existing(session, certificate_id)
    row.purged_at = at
    row.name = free_label(session, f"{row.name}~purged")
    row.search_text = filters.search_text(row.name, *row.names)
    rows.add(session, row)


def to_purge(session: Session, before: datetime) -> list[Certificate]:
    """Certificates that were archived by that moment, and whose keys are still there."""
    return matching(
        session, col(CertificateRow.archived_at) <= before, col(CertificateRow.purged_at).is_(None)
    )


def last_archived(session: Session) -> Certificate | None:
    """The one that was archived last and still has its keys."""
    statement = (
        select(CertificateRow)
        .where(
            col(CertificateRow.archived_at).is_not(None), col(CertificateRow.purged_at).is_(None)
        )
        .order_by(col(CertificateRow.archived_at).desc(), col(CertificateRow.id))
        .limit(1)
    )
    return next(iter(_models(session, session.exec(statement))), None)


def labels(session: Session, certificate_ids: Iterable[str | None]) -> dict[str | None, str]:
    """The label of each certificate, by id."""
    wanted = {certificate_id for certificate_id in certificate_ids if certificate_id is not None}
    found = session.exec(
        select(CertificateRow.id, CertificateRow.name).where(col(CertificateRow.id).in_(wanted))
    )
    return dict(found.all())


def deleted(session: Session, certificate_ids: Iterable[str]) -> set[str]:
    """Those of these certificates that are archived."""
    archived = col(CertificateRow.archived_at).is_not(None)
    wanted = col(CertificateRow.id).in_(set(certificate_ids))
    return set(session.exec(select(CertificateRow.id).where(wanted, archived)))


def ids_named(value: str) -> SelectOfScalar[str]:
    """The id of the certificate of that label (in any case) or id."""
    named = func.lower(CertificateRow.name) == value.lower()
    return select(CertificateRow.id).where(or_(named, col(CertificateRow.id) == value))


def _existing(session: Session, certificate_id: str) -> CertificateRow:
    column = col(CertificateRow.id)
    return rows.existing(session, CertificateRow, "certificate", certificate_id, column)


def _set_archived(session: Session, certificate_id: str, at: datetime | None) -> None:
    row = _existing(session, certificate_id)
    row.archived_at = at
    rows.add(session, row)


def _index_names(session: Session, row: CertificateRow) -> None:
    session.exec(delete(CertificateNameRow).where(col(CertificateNameRow.certificate_id) == row.id))
    names = sorted({name.casefold() for name in row.names})
    if names:
        fields = [{"name": name, "certificate_id": row.id} for name in names]
        rows.append(session, CertificateNameRow, fields)


def _models(session: Session, found: Iterable[CertificateRow]) -> list[Certificate]:
    return _from_fields(session, [{name: getattr(row, name) for name in FIELDS} for row in found])


def _from_fields(session: Session, found: Sequence[certificate_order.Fields]) -> list[Certificate]:
    """Certificates from the columns of their rows."""
    by_id = accounts.labels(session, (fields["account_id"] for fields in found))
    models = []
    for fields in found:
        account = by_id.get(fields["account_id"])
        fields["revoked_at"] = fields.pop("current_revoked_at")
        fields["account"] = account.name if account else None
        fields["ca"] = account.ca if account else None
        models.append(Certificate(**fields))
    return models
