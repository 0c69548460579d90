"""Mappings: name pattern and challenge type to the DNS account or end server that answers."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from kmtui.db import filters, rows, secrets
from kmtui.db.tables import DnsAccountRow, EndServerRow, MappingRow
from kmtui.model import Mapping

OWNER = "mapping"


def insert(session: Session, mapping: Mapping) -> None:
    """Store a mapping. Raises InvalidInput when the pattern has one of this challenge type."""
    fields = {name: getattr(mapping, name) for name in MappingRow.model_fields}
    rows.add(session, MappingRow(**fields))


def get(session: Session, word: str) -> Mapping | None:
    """The mapping of that id, else the first of that pattern."""
    found = _select(session, or_(col(MappingRow.id) == word, col(MappingRow.pattern) == word))
    return next(iter(sorted(found, key=lambda mapping: mapping.id != word)), None)


def list_all(session: Session) -> list[Mapping]:
    """All mappings by pattern."""
    return _select(session)


def of_dns_account(session: Session, dns_account_id: str) -> list[Mapping]:
    """The mappings that answer through this DNS account."""
    return _select(session, col(MappingRow.dns_account_id) == dns_account_id)


def of_server(session: Session, server_id: str) -> list[Mapping]:
    """The mappings that answer through this end server."""
    return _select(session, col(MappingRow.server_id) == server_id)


def counts_by_dns_account(session: Session) -> dict[str, int]:
    """How many mappings use each DNS account."""
    return _counts(
        session.exec(
            select(MappingRow.dns_account_id, func.count()).group_by(col(MappingRow.dns_account_id))
        )
    )


def counts_by_server(session: Session) -> dict[str, int]:
    """How many mappings use each end server."""
    return _counts(
        session.exec(select(MappingRow.server_id, func.count()).group_by(col(MappingRow.server_id)))
    )


def delete(session: Session, mapping_id: str) -> None:
    """Remove a mapping. Raises NotFound."""
    secrets.delete_for(session, OWNER, mapping_id)
    rows.remove(
        session, rows.existing(session, MappingRow, "mapping", mapping_id, col(MappingRow.id))
    )


def _counts(pairs: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    return {owner: number for owner, number in pairs if owner is not None}


def _select(session: Session, *conditions: filters.Condition) -> list[Mapping]:
    statement = (
        select(MappingRow, DnsAccountRow.name, EndServerRow.name)
        .outerjoin(DnsAccountRow, col(DnsAccountRow.id) == col(MappingRow.dns_account_id))
        .outerjoin(EndServerRow, col(EndServerRow.id) == col(MappingRow.server_id))
        .where(*conditions)
        .order_by(col(MappingRow.pattern), col(MappingRow.challenge_type))
    )
    return [
        Mapping(
            **{name: getattr(row, name) for name in MappingRow.model_fields},
            dns_account=dns_account,
            server=server,
        )
        for row, dns_account, server in session.exec(statement)
    ]
