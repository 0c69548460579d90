"""Sealed values by owner and kind; only here are their bytes read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import sqlalchemy
from sqlalchemy import ColumnElement, Exists, bindparam, delete, exists
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from kmtui.db import rows
from kmtui.db.tables import SecretRow

_FIND = select(SecretRow.id, SecretRow.blob).where(
    SecretRow.owner_table == bindparam("owner_table"),
    SecretRow.owner_id == bindparam("owner_id"),
    SecretRow.kind == bindparam("kind"),
)
_EVERY = sqlalchemy.select(  # type: ignore[call-overload]
    SecretRow.id, SecretRow.blob, SecretRow.owner_table, SecretRow.owner_id, SecretRow.kind
).order_by(col(SecretRow.id))


SEAL = "seal"
"""The kind of the value that seals its owner's configuration; not one of an operator's secrets."""


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """One sealed value and its id, which it is bound to."""

    id: str
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredSecret(SealedSecret):
    """The same with whose it is."""

    owner_table: str
    owner_id: str
    kind: str


def every(session: Session) -> Iterator[StoredSecret]:
    """Every sealed value, a few at a time."""
    for row in session.execute(_EVERY).yield_per(100):
        yield StoredSecret(*row)


def put(
    session: Session, *, id: str, owner_table: str, owner_id: str, kind: str, blob: bytes
) -> None:
    """Store a sealed value.

    Raises Refused when the owner has one of this kind: a key is never overwritten unseen. Use
    `replace` where the former is to go.
    """
    row = SecretRow(id=id, owner_table=owner_table, owner_id=owner_id, kind=kind, blob=blob)
    rows.insert(session, row)


def replace(
    session: Session, *, id: str, owner_table: str, owner_id: str, kind: str, blob: bytes
) -> None:
    """Store a sealed value in place of the owner's former one of this kind, if there is one."""
    delete_for(session, owner_table, owner_id, kind=kind)
    put(session, id=id, owner_table=owner_table, owner_id=owner_id, kind=kind, blob=blob)


def get(session: Session, secret_id: str) -> bytes | None:
    """The sealed bytes, or None when they were destroyed."""
    return session.exec(select(SecretRow.blob).where(SecretRow.id == secret_id)).first()


def find(session: Session, owner_table: str, owner_id: str, kind: str) -> SealedSecret | None:
    """The owner's secret of that kind."""
    wanted = {"owner_table": owner_table, "owner_id": owner_id, "kind": kind}
    found = session.connection().execute(_FIND, wanted).first()
    return None if found is None else SealedSecret(*found)


def kinds(
    session: Session, owner_table: str, owner_ids: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Which secrets each owner has, by name only; read from the index, never from the values."""
    found: dict[str, tuple[str, ...]] = {}
    statement = (
        select(SecretRow.owner_id, SecretRow.kind)
        .where(
            SecretRow.owner_table == owner_table,
            col(SecretRow.owner_id).in_(owner_ids),
            SecretRow.kind != SEAL,
        )
        .order_by(col(SecretRow.owner_id), col(SecretRow.kind))
    )
    for owner_id, kind in session.exec(statement):
        found[owner_id] = (*found.get(owner_id, ()), kind)
    return found


def ids(session: Session, owner_table: str) -> list[tuple[str, str]]:
    """(owner, secret) by id, for all owners of that table: a secret that is replaced gets another
    id."""
    statement = select(SecretRow.owner_id, SecretRow.id).where(
        SecretRow.owner_table == owner_table, SecretRow.kind != SEAL
    )
    return list(session.exec(statement))


def owned(owner_table: str, owner_id: ColumnElement[str] | Mapped[str]) -> Exists:
    """The condition that a row of that table, by the column of its id, owns a secret."""
    return exists().where(
        col(SecretRow.owner_table) == owner_table, col(SecretRow.owner_id) == owner_id
    )


def delete_for(
    session: Session, owner_table: str, owner_id: str, *, kind: str | None = None
) -> int:
    """Destroy the owner's secrets, or the one of that kind (the file's pages are overwritten).

    Returns how many there were.
    """
    statement = delete(SecretRow).where(
        col(SecretRow.owner_table) == owner_table, col(SecretRow.owner_id) == owner_id
    )
    if kind is not None:
        statement = statement.where(col(SecretRow.kind) == kind)
    return session.exec(statement).rowcount
