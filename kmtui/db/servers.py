"""End servers. Their passwords and keys are secrets they own, one kind per field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from kmtui.core.errors import Refused
from kmtui.db import cleanup, filters, mappings, rows, secrets, targets
from kmtui.db.paging import Sort, paged
from kmtui.db.tables import CleanupRow, EndServerRow
from kmtui.model import EndServer, ListQuery, Mapping

OWNER = "end_server"
CHANGEABLE = frozenset(EndServerRow.model_fields) - {"id", "created_at"}
SORTS = {
    "name": Sort(col(EndServerRow.name)),
    "kind": Sort(col(EndServerRow.kind)),
    "test": Sort(col(EndServerRow.last_test_at), descending=True),
    "created": Sort(col(EndServerRow.created_at), descending=True),
}


def insert(session: Session, server: EndServer) -> None:
    """Store an end server. Raises InvalidInput when its name is taken."""
    fields = {name: getattr(server, name) for name in EndServerRow.model_fields}
    rows.add(session, EndServerRow(**fields))


def get(session: Session, word: str) -> EndServer | None:
    """The end server of that id or name."""
    row = rows.by_word(session, EndServerRow, word, col(EndServerRow.id), col(EndServerRow.name))
    return None if row is None else _models(session, [row])[0]


def list_all(session: Session) -> list[EndServer]:
    """All end servers by name."""
    return _models(session, session.exec(select(EndServerRow).order_by(col(EndServerRow.name))))


def page(session: Session, query: ListQuery) -> list[EndServer]:
    """One page, by name. Qualifiers: `kind`, `test` (`ok`, `failed`, `never`)."""
    statement = select(EndServerRow).where(*_conditions(query))
    return _models(session, session.exec(paged(statement, query, SORTS, col(EndServerRow.id))))


def count(session: Session, query: ListQuery) -> int:
    """How many end servers the query matches."""
    statement = select(func.count()).select_from(EndServerRow).where(*_conditions(query))
    return session.exec(statement).one()


def update(session: Session, server_id: str, **fields: Any) -> None:
    """Set columns of an end server, the result of its last test included. Raises NotFound."""
    row = rows.existing(session, EndServerRow, "end server", server_id, col(EndServerRow.id))
    rows.assign(session, row, fields, CHANGEABLE)


def mappings_of(session: Session, server_id: str) -> list[Mapping]:
    """The mappings that send names here."""
    return mappings.of_server(session, server_id)


def delete(session: Session, server_id: str) -> None:
    """Remove an end server and destroy its secrets.

    Raises NotFound; Refused while a mapping or a target uses it, or while it is needed to remove
    files.
    """
    row = rows.existing(session, EndServerRow, "end server", server_id, col(EndServerRow.id))
    if cleanup.pending_where(session, col(CleanupRow.server_id) == server_id):
        raise Refused(
            f"{row.name} is needed to remove challenge files", hint="kmtui cleanup removes them"
        )
    if used := targets.of_server(session, server_id):
        names = ", ".join(f"{target.certificate} {target.name}" for target in used)
        raise Refused(
            f"{row.name} receives the targets {names}",
            hint="delete them first: kmtui target delete CERT NAME --yes",
        )
    secrets.delete_for(session, OWNER, server_id)
    rows.remove(session, row)


def _conditions(query: ListQuery) -> list[filters.Condition]:
    searched = func.lower(col(EndServerRow.name) + " " + col(EndServerRow.kind))
    qualifiers: filters.Qualifiers = {
        "kind": lambda value: col(EndServerRow.kind).startswith(value, autoescape=True),
        "test": filters.one_of(
            {
                "ok": col(EndServerRow.last_test_ok).is_(True),
                "failed": col(EndServerRow.last_test_ok).is_(False),
                "never": col(EndServerRow.last_test_at).is_(None),
            }
        ),
    }
    return filters.conditions(query.text, searched, qualifiers)


def _models(session: Session, found: Iterable[EndServerRow]) -> list[EndServer]:
    servers = list(found)
    kinds = secrets.kinds(session, OWNER, [row.id for row in servers])
    used = mappings.counts_by_server(session)
    received = targets.counts_by_server(session)
    return [
        EndServer(
            **{name: getattr(row, name) for name in EndServerRow.model_fields},
            secret_names=kinds.get(row.id, ()),
            mapped=used.get(row.id, 0),
            targets=received.get(row.id, 0),
        )
        for row in servers
    ]
