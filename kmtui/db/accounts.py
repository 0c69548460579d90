"""ACME accounts. Their keys are secrets they own."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import String, func, or_, type_coerce
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from kmtui.core.errors import Refused
from kmtui.db import filters, rows, secrets
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import AccountRow, CertificateRow, RequestRow
from kmtui.model import ACTIVE_STATUSES, Account, ListQuery, RequestStatus

OWNER = "account"
KEY = "account-key"
"""Kind of the secret that is the account's key."""
NEXT_KEY = "account-key-next"
"""Kind of the one that is to replace it: there only while that is under way."""
NAMED = 5
"""Certificates named in a refusal."""
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


def renewing(session: Session, account_id: str) -> list[str]:
    """Labels of the certificates that renew by themselves with this account, in order."""
    statement = (
        select(CertificateRow.name).where(*_renewing(account_id)).order_by(col(CertificateRow.name))
    )
    return list(session.exec(statement))


def refuse_under_way(session: Session, account: Account, *, parked: bool = True) -> None:
    """Raise Refused while a request of the account is under way; `parked`: or parked."""
    statuses = ACTIVE_STATUSES if parked else ACTIVE_STATUSES - {RequestStatus.PARKED}
    statement = (
        select(RequestRow.number)
        .where(RequestRow.account_id == account.id, col(RequestRow.status).in_(statuses))
        .order_by(col(RequestRow.number))
    )
    if found := session.exec(statement).first():
        raise Refused(
            f"request {found} of the account {account.name} is under way",
            hint=f"wait for it, or stop it: kmtui request cancel {found}",
        )


def refuse_changing_key(session: Session, account: Account) -> None:
    """Raise Refused while the account's key is being replaced."""
    if secrets.find(session, OWNER, account.id, NEXT_KEY) is not None:
        raise Refused(
            f"the key of the account {account.name} is being replaced",
            hint="try again in a moment; kmtui resume finishes it where it was cut off",
        )


def refuse_in_use(session: Session, account: Account, *, force: bool = False) -> None:
    """Raise Refused for what keeps an account from being deleted: an unfinished request, and,
    unless `force`, certificates that renew with it.
    """
    refuse_under_way(session, account)
    if not force and (names := renewing(session, account.id)):
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        raise Refused(
            f"certificates renew with the account {account.name}: {', '.join(names[:NAMED])}{more}",
            hint="give them another account first (kmtui cert set CERT --account A), or --force: "
            "they then renew no more until they have one",
        )


def delete(session: Session, account_id: str, *, force: bool = False) -> list[str]:
    """Forget an account and destroy its secrets; its past requests and certificates stay.

    Returns the ids of the certificates that have no account now. Raises NotFound; Refused as
    `refuse_in_use`.
    """
    row = rows.existing(session, AccountRow, "account", account_id, col(AccountRow.id))
    refuse_in_use(session, _models(session, [row])[0], force=force)
    own = col(CertificateRow.account_id) == account_id
    orphaned = list(session.exec(select(CertificateRow.id).where(own)))
    session.exec(sql_update(CertificateRow).where(own).values(account_id=None))
    # What was asked for names its account by id, which tells nobody anything from now on.
    spec = type_coerce(col(RequestRow.spec), String)
    session.exec(
        sql_update(RequestRow)
        .where(col(RequestRow.account_id) == account_id)
        .values(spec=func.replace(spec, json.dumps(account_id), json.dumps(row.name)))
    )
    secrets.delete_for(session, OWNER, account_id)
    rows.remove(session, row)
    return orphaned


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
        .where(
            col(CertificateRow.account_id).in_(account_ids),
            col(CertificateRow.archived_at).is_(None),
        )
        .group_by(col(CertificateRow.account_id))
    )
    return {account_id or "": number for account_id, number in session.exec(statement)}


def _renewing(account_id: str) -> tuple[filters.Condition, ...]:
    return (
        col(CertificateRow.account_id) == account_id,
        col(CertificateRow.archived_at).is_(None),
        col(CertificateRow.auto_renew).is_(True),
    )


def _models(session: Session, found: Iterable[AccountRow]) -> list[Account]:
    accounts = list(found)
    ids = [row.id for row in accounts]
    used, sealed = _certificates(session, ids), secrets.kinds(session, OWNER, ids)
    return [
        Account(
            **{name: getattr(row, name) for name in AccountRow.model_fields},
            certificates=used.get(row.id, 0),
            key_changing=row.status == "valid" and NEXT_KEY in sealed.get(row.id, ()),
        )
        for row in accounts
    ]
