"""DNS accounts. Their credentials are secrets they own, one kind per field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from kmtui.core.errors import Refused
from kmtui.db import cleanup, filters, mappings, rows, secrets
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import CleanupRow, DnsAccountRow
from kmtui.model import DnsAccount, ListQuery, Mapping

OWNER = "dns_account"
CHANGEABLE = frozenset(DnsAccountRow.model_fields) - {"id", "created_at"}
SORTS = {
    "name": Sort(col(DnsAccountRow.name)),
    "provider": Sort(col(DnsAccountRow.provider)),
    "test": Sort(col(DnsAccountRow.last_test_at), descending=True),
    "created": Sort(col(DnsAccountRow.created_at), descending=True),
}


def insert(session: Session, account: DnsAccount) -> None:
    """Store a DNS account. Raises InvalidInput when its name is taken."""
    fields = {name: getattr(account, name) for name in DnsAccountRow.model_fields}
    rows.add(session, DnsAccountRow(**fields))


def get(session: Session, word: str) -> DnsAccount | None:
    """The DNS account of that id or name."""
    row = rows.by_word(session, DnsAccountRow, word, col(DnsAccountRow.id), col(DnsAccountRow.name))
    return None if row is None else _models(session, [row])[0]


def list_all(session: Session) -> list[DnsAccount]:
    """All DNS accounts by name."""
    return _models(session, session.exec(select(DnsAccountRow).order_by(col(DnsAccountRow.name))))


def page(session: Session, query: ListQuery) -> list[DnsAccount]:
    """One page, by name. Qualifiers: `provider`, `test` (`ok`, `failed`, `never`)."""
    statement = select(DnsAccountRow).where(*_conditions(query))
    return _models(session, session.exec(paged(statement, query, SORTS, col(DnsAccountRow.id))))


def count(session: Session, query: ListQuery) -> int:
    """How many DNS accounts the query matches."""
    statement = select(func.count()).select_from(DnsAccountRow).where(*_conditions(query))
    return session.exec(statement).one()


def update(session: Session, account_id: str, **fields: Any) -> None:
    """Set columns of a DNS account, the result of its last test included. Raises NotFound."""
    row = rows.existing(session, DnsAccountRow, "DNS account", account_id, col(DnsAccountRow.id))
    rows.assign(session, row, fields, CHANGEABLE)


def mappings_of(session: Session, account_id: str) -> list[Mapping]:
    """The mappings that send names here."""
    return mappings.of_dns_account(session, account_id)


def delete(session: Session, account_id: str) -> None:
    """Remove a DNS account and destroy its secrets.

    Raises NotFound; Refused while a mapping uses it, or while it is needed to remove records.
    """
    row = rows.existing(session, DnsAccountRow, "DNS account", account_id, col(DnsAccountRow.id))
    if cleanup.pending_where(session, col(CleanupRow.dns_account_id) == account_id):
        raise Refused(
            f"{row.name} is needed to remove TXT records", hint="kmtui cleanup removes them"
        )
    secrets.delete_for(session, OWNER, account_id)
    rows.remove(session, row)


def _conditions(query: ListQuery) -> list[filters.Condition]:
    searched = func.lower(
        col(DnsAccountRow.name)
        + " "
        + col(DnsAccountRow.provider)
        + " "
        + func.coalesce(col(DnsAccountRow.zones), "")
    )
    qualifiers: filters.Qualifiers = {
        "provider": lambda value: col(DnsAccountRow.provider).startswith(value, autoescape=True),
        "test": filters.one_of(
            {
                "ok": col(DnsAccountRow.last_test_ok).is_(True),
                "failed": col(DnsAccountRow.last_test_ok).is_(False),
                "never": col(DnsAccountRow.last_test_at).is_(None),
            }
        ),
    }
    return filters.conditions(query.text, searched, qualifiers)


def _models(session: Session, found: Iterable[DnsAccountRow]) -> list[DnsAccount]:
    accounts = list(found)
    kinds = secrets.kinds(session, OWNER, [row.id for row in accounts])
    used = mappings.counts_by_dns_account(session)
    return [
        DnsAccount(
            **{name: getattr(row, name) for name in DnsAccountRow.model_fields},
            secret_names=kinds.get(row.id, ()),
            used_by=used.get(row.id, 0),
        )
        for row in accounts
    ]
