"""ACME accounts. Their keys are secrets they own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.core.errors import Refused
from kmtui.db import filters, rows, secrets
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import AccountRow, CertificateRow, RequestRow
from kmtui.model import ACTIVE_STATUSES, Account, ListQuery

OWNER = "account"
CHANGEABLE = frozenset(AccountRow.model_fields) - {"id", "created_at"}
SORTS = {
    "name": Sort(col(AccountRow.name)),
    "ca": Sort(col(AccountRow.ca)),
    "status": Sort(col(AccountRow.status)),
    "created": Sort(col(AccountRow.created_at), descending=True),
}


class AccountLabel(NamedTuple):
    """What other lists show of an account."""

    name: str
    ca: str


def insert(session: Session, account: Account) -> None:
    """Store an account. Raises InvalidInput when its name or URL is there already."""
    fields = {name: getattr(account, name) for name in AccountRow.model_fields}
    rows.add(session, AccountRow(**fields))


def get(session: Session, word: str) -> Account | None:
    """The account of that id or name."""
    row = rows.by_word(session, AccountRow, word, col(AccountRow.id), col(AccountRow.name))
    return None if row is None else _models(session, [row])[0]


def list_all(session: Session) -> list[Account]:
    """All accounts by name."""
    return _models(session, session.exec(select(AccountRow).order_by(col(AccountRow.name))))


def page(session: Session, query: ListQuery) -> list[Account]:
    """One page, by name. Qualifiers: `ca`, `status`."""
    statement = select(AccountRow).where(*_conditions(query))
    return _models(session, session.exec(paged(statement, query, SORTS, col(AccountRow.id))))


def count(session: Session, query: ListQuery) -> int:
    """How many accounts the query matches."""
    statement = select(func.count()).select_from(AccountRow).where(*_conditions(query))
    return session.exec(statement).one()


def update(session: Session, account_id: str, **fields: Any) -> None:
    """Set columns of an account. Raises NotFound."""
    row = rows.existing(session, AccountRow, "account", account_id, col(AccountRow.id))
    rows.assign(session, row, fields, CHANGEABLE)


def delete(session: Session, account_id: str) -> None:
    """Forget an account and destroy its secrets; its past requests stay.

    Raises NotFound; Refused while a certificate or an unfinished request uses it.
    """
    row = rows.existing(session, AccountRow, "account", account_id, col(AccountRow.id))
    certificates = _certificates(session, [account_id]).get(account_id, 0)
    if certificates:
        raise Refused(
            f"{certificates} certificates use the account {row.name}",
            hint="move them to another account first",
        )
    under_way = select(func.count()).where(
        RequestRow.account_id == account_id, col(RequestRow.status).in_(ACTIVE_STATUSES)
    )
    if session.exec(under_way).one():
        raise Refused(f"a request of the account {row.name} is under way", hint="cancel it first")
    secrets.delete_for(session, OWNER, account_id)
    rows.remove(session, row)


def labels(session: Session, account_ids: Iterable[str | None]) -> dict[str | None, AccountLabel]:
    """Name and CA of each account, by id."""
    wanted = {account_id for account_id in account_ids if account_id is not None}
    found = session.exec(
        select(AccountRow.id, AccountRow.name, AccountRow.ca).where(col(AccountRow.id).in_(wanted))
    )
    return {account_id: AccountLabel(name, ca) for account_id, name, ca in found}


def ids_named(value: str) -> SelectOfScalar[str]:
    """The ids of the accounts whose name starts with `value`, or of the one with that id."""
    named = col(AccountRow.name).istartswith(value, autoescape=True)
    return select(AccountRow.id).where(or_(named, col(AccountRow.id) == value))


def ids_at(value: str) -> SelectOfScalar[str]:
    """The ids of the accounts at CAs whose name starts with `value`."""
    return select(AccountRow.id).where(col(AccountRow.ca).istartswith(value, autoescape=True))


def _conditions(query: ListQuery) -> list[filters.Condition]:
    searched = func.lower(
        col(AccountRow.name) + " " + col(AccountRow.ca) + " " + func.coalesce(AccountRow.email, "")
    )
    qualifiers: filters.Qualifiers = {
        "ca": lambda value: col(AccountRow.ca).istartswith(value, autoescape=True),
        "status": lambda value: col(AccountRow.status).startswith(value, autoescape=True),
    }
    return filters.conditions(query.text, searched, qualifiers)


def _certificates(session: Session, account_ids: Collection[str]) -> dict[str, int]:
    statement = (
        select(CertificateRow.account_id, func.count())
        .where(col(CertificateRow.account_id).in_(account_ids))
        .group_by(col(CertificateRow.account_id))
    )
    return {account_id or "": number for account_id, number in session.exec(statement)}


def _models(session: Session, found: Iterable[AccountRow]) -> list[Account]:
    accounts = list(found)
    used = _certificates(session, [row.id for row in accounts])
    return [
        Account(
            **{name: getattr(row, name) for name in AccountRow.model_fields},
            certificates=used.get(row.id, 0),
        )
        for row in accounts
    ]
