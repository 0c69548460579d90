"""Versions: every certificate ever issued, and what happened to it since."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from kmtui.core.errors import NotFound
from kmtui.db import certificates, filters, rows, targets
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import CertificateRow, SecretRow, VersionRow, VersionStateRow
from kmtui.model import ListQuery, Version, VersionStatus

SORTS = {
    "issued": Sort(col(VersionRow.issued_at), descending=True),
    "expires": Sort(col(VersionRow.not_after)),
    "serial": Sort(col(VersionRow.serial)),
}
_AS_STORED = tuple(
    name
    for name in VersionRow.model_fields
    if name in Version.__dataclass_fields__ and name != "chain_pem"
)
_STATE = ("saved_at", "replaced_at", "revoked_at", "revocation_reason")
OWNER = "version"
"""What secrets of versions are owned by; those of keys made here belong to the request."""
_NEWEST = select(func.max(VersionRow.number)).where(VersionRow.certificate_id == bindparam("of"))
_WITHOUT_CHAIN = defer(VersionRow.chain_pem, raiseload=True)  # type: ignore[arg-type]


def insert(session: Session, version: Version, *, key_secret_id: str | None) -> Version:
    """Store an issued version, numbered one above the certificate's highest; not yet saved.

    Raises Refused when this very certificate is stored already, or its certificate is gone.
    """
    number = newest_number(session, version.certificate_id) + 1
    version = replace(version, number=number, has_key=key_secret_id is not None)
    rows.insert(
        session,
        VersionRow(
            **{name: getattr(version, name) for name in _AS_STORED},
            chain_pem=version.chain_pem,
            key_secret_id=key_secret_id,
            search_text=filters.search_text(
                *version.names, version.serial, version.issuer, version.sha256
            ),
        ),
    )
    certificates.refresh(session, version.certificate_id)
    return version


def newest_number(session: Session, certificate_id: str) -> int:
    """The number of the version issued last; 0 when there is none."""
    return session.connection().execute(_NEWEST, {"of": certificate_id}).scalar() or 0


def get(session: Session, certificate_id: str, number: int) -> Version | None:
    """One version of a certificate, with its chain."""
    return _one(session, VersionRow.certificate_id == certificate_id, VersionRow.number == number)


def by_id(session: Session, version_id: str) -> Version | None:
    """The version of that id, with its chain."""
    return _one(session, VersionRow.id == version_id)


def of_request(session: Session, certificate_id: str, request_id: str) -> Version | None:
    """The version of a certificate that a request got."""
    return _one(
        session, VersionRow.certificate_id == certificate_id, VersionRow.request_id == request_id
    )


def by_sha256(session: Session, fingerprint: str) -> Version | None:
    """The version with that fingerprint (lower-case hex), with its chain."""
    return _one(session, VersionRow.sha256 == fingerprint)


def with_key(session: Session, spki_sha256: str) -> list[Version]:
    """Every version with that key, the last issued first, without chains.

    Looks at all versions: seconds where there are a million.
    """
    statement = (
        select(VersionRow)
        .where(VersionRow.spki_sha256 == spki_sha256)
        .order_by(col(VersionRow.issued_at).desc(), col(VersionRow.id))
        .options(_WITHOUT_CHAIN)
    )
    return _models(session, list(session.exec(statement)))


def issued_since(session: Session, moment: datetime, *, limit: int) -> list[Version]:
    """Versions issued since a moment, the last issued first, without chains."""
    statement = (
        select(VersionRow)
        .where(col(VersionRow.issued_at) >= moment)
        .order_by(col(VersionRow.issued_at).desc(), col(VersionRow.id))
        .options(_WITHOUT_CHAIN)
        .limit(limit)
    )
    return _models(session, list(session.exec(statement)))


def without_their_key(session: Session) -> list[Version]:
    """Versions whose private key was kept here and is gone, though nobody destroyed it."""
    purged = (
        select(CertificateRow.id)
        .where(
            CertificateRow.id == VersionRow.certificate_id,
            col(CertificateRow.purged_at).is_not(None),
        )
        .exists()
    )
    kept = select(SecretRow.id).where(SecretRow.id == VersionRow.key_secret_id).exists()
    statement = (
        select(VersionRow)
        .where(col(VersionRow.key_secret_id).is_not(None), ~kept, ~purged)
        .options(_WITHOUT_CHAIN)
    )
    return _models(session, list(session.exec(statement)))


def of_certificate(session: Session, certificate_id: str) -> list[Version]:
    """Every version ever issued for a certificate, newest first, without chains."""
    statement = (
        select(VersionRow)
        .where(VersionRow.certificate_id == certificate_id)
        .order_by(col(VersionRow.number).desc())
        .options(_WITHOUT_CHAIN)
    )
    return _models(session, list(session.exec(statement)))


def page(session: Session, query: ListQuery) -> list[Version]:
    """One page of all versions, last issued first, without chains.

    Words are looked for in names, serial, issuer and fingerprint. Qualifiers: `status`, `cert`.
    """
    statement = select(VersionRow).where(*_conditions(query)).options(_WITHOUT_CHAIN)
    return _models(session, list(session.exec(paged(statement, query, SORTS, col(VersionRow.id)))))


def count(session: Session, query: ListQuery) -> int:
    """How many versions the query matches."""
    statement = select(func.count()).select_from(VersionRow).where(*_conditions(query))
    return session.exec(statement).one()


def mark_saved(session: Session, version_id: str, at: datetime) -> None:
    """Make a version the certificate's current one; the former is replaced. Raises NotFound.

    It is wanted at every target of the certificate from now on.
    """
    certificate_id = _certificate_of(session, version_id)
    current = session.exec(
        select(VersionStateRow)
        .join(VersionRow, col(VersionRow.id) == col(VersionStateRow.version_id))
        .where(
            VersionRow.certificate_id == certificate_id,
            VersionRow.id != version_id,
            col(VersionStateRow.saved_at).is_not(None),
            col(VersionStateRow.replaced_at).is_(None),
        )
    )
    for former in current:
        former.replaced_at = at
        session.add(former)
    state = _state(session, version_id)
    state.saved_at = at
    state.replaced_at = None
    rows.add(session, state)
    certificates.refresh(session, certificate_id)
    targets.want(session, certificate_id, _number_of(session, version_id), at)


def mark_past(session: Session, version_id: str, at: datetime) -> None:
    """Note that a version was in use before it came here, and is not any more. Raises NotFound."""
    certificate_id = _certificate_of(session, version_id)
    state = _state(session, version_id)
    state.saved_at = at
    state.replaced_at = at
    rows.add(session, state)
    certificates.refresh(session, certificate_id)


def mark_revoked(session: Session, version_id: str, at: datetime, reason: str | None) -> None:
    """Note that the CA revoked a version; `reason` is a word of RFC 5280. Raises NotFound."""
    certificate_id = _certificate_of(session, version_id)
    state = _state(session, version_id)
    state.revoked_at = at
    state.revocation_reason = reason
    rows.add(session, state)
    certificates.refresh(session, certificate_id)


def key_secret_id(session: Session, version_id: str) -> str | None:
    """The id of the secret that holds the version's private key. Raises NotFound."""
    _certificate_of(session, version_id)
    return session.exec(select(VersionRow.key_secret_id).where(VersionRow.id == version_id)).one()


def _certificate_of(session: Session, version_id: str) -> str:
    found = session.exec(
        select(VersionRow.certificate_id).where(VersionRow.id == version_id)
    ).first()
    if found is None:
        raise NotFound(f"no version {version_id}")
    return found


def _number_of(session: Session, version_id: str) -> int:
    return session.exec(select(VersionRow.number).where(VersionRow.id == version_id)).one()


def _state(session: Session, version_id: str) -> VersionStateRow:
    return session.get(VersionStateRow, version_id) or VersionStateRow(version_id=version_id)


def _one(session: Session, *conditions: Any) -> Version | None:
    row = session.exec(select(VersionRow).where(*conditions)).first()
    if row is None:
        return None
    return replace(_models(session, [row])[0], chain_pem=row.chain_pem)


def _conditions(query: ListQuery) -> list[filters.Condition]:
    saved = col(VersionStateRow.saved_at)
    replaced = col(VersionStateRow.replaced_at)
    revoked = col(VersionStateRow.revoked_at)
    expired = col(VersionRow.not_after) < query.now
    in_hand = and_(_stated(revoked.is_(None) & replaced.is_(None), or_absent=True), ~expired)
    words: dict[str, filters.Condition] = {
        VersionStatus.REVOKED: _stated(revoked.is_not(None)),
        VersionStatus.REPLACED: _stated(revoked.is_(None) & replaced.is_not(None)),
        VersionStatus.EXPIRED: and_(
            _stated(revoked.is_(None) & replaced.is_(None), or_absent=True), expired
        ),
        VersionStatus.CURRENT: and_(in_hand, _stated(saved.is_not(None))),
        VersionStatus.AVAILABLE: and_(in_hand, _stated(saved.is_(None), or_absent=True)),
    }
    qualifiers: filters.Qualifiers = {
        "status": filters.one_of(words),
        "cert": lambda value: col(VersionRow.certificate_id).in_(certificates.ids_named(value)),
    }
    return filters.conditions(query.text, col(VersionRow.search_text), qualifiers)


def _stated(condition: filters.Condition, *, or_absent: bool = False) -> filters.Condition:
    """A condition on what happened to a version; nothing may have happened yet."""
    this = col(VersionStateRow.version_id) == col(VersionRow.id)
    if or_absent:
        return or_(~exists().where(this), exists().where(this, condition))
    return exists().where(this, condition)


def _models(session: Session, found: list[VersionRow]) -> list[Version]:
    """The rows with what happened to them, without chains."""
    ids = [row.id for row in found]
    states = {
        state.version_id: state
        for state in session.exec(
            select(VersionStateRow).where(col(VersionStateRow.version_id).in_(ids))
        )
    }
    # A key may have come after its version: then it is the version's own.
    stored = select(SecretRow.id, SecretRow.owner_id).where(
        or_(
            col(SecretRow.id).in_([row.key_secret_id for row in found]),
            and_(col(SecretRow.owner_table) == OWNER, col(SecretRow.owner_id).in_(ids)),
        )
    )
    keys = {word for row in session.exec(stored) for word in row}
    labels = certificates.labels(session, (row.certificate_id for row in found))
    deleted = certificates.deleted(session, (row.certificate_id for row in found))
    models = []
    for row in found:
        fields: dict[str, Any] = {name: getattr(row, name) for name in _AS_STORED}
        if state := states.get(row.id):
            fields |= {name: getattr(state, name) for name in _STATE}
        label = labels[row.certificate_id]
        models.append(
            Version(
                **fields,
                certificate=label,
                has_key=bool(keys & {row.key_secret_id, row.id}),
                deleted=row.certificate_id in deleted,
            )
        )
    return models
