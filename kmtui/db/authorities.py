"""CAs added by their directory URL; those of the catalogue are data of the program."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlmodel import Session, col, select

from kmtui.db import rows, secrets
from kmtui.db.tables import AccountRow, CaRow
from kmtui.model import Authority

OWNER = "ca"


def insert(session: Session, authority: Authority, *, created_at: datetime) -> None:
    """Store a custom CA. Raises InvalidInput when its name is taken."""
    rows.add(
        session,
        CaRow(
            id=str(uuid.uuid4()),
            name=authority.name,
            title=authority.title,
            directory_url=authority.directory_url,
            ca_bundle=authority.ca_bundle,
            proxy=authority.proxy,
            max_names=authority.max_names,
            single_account=authority.single_account,
            lifetime_days=authority.lifetime_days,
            created_at=created_at,
        ),
    )


def list_all(session: Session) -> list[Authority]:
    """All custom CAs by name."""
    return [_model(row) for row in session.exec(select(CaRow).order_by(col(CaRow.name)))]


def get(session: Session, name: str) -> Authority | None:
    """The custom CA of that name."""
    row = rows.by_word(session, CaRow, name, col(CaRow.name))
    return None if row is None else _model(row)


def update(session: Session, name: str, *, directory_url: str) -> None:
    """Move a custom CA to another directory URL. Raises NotFound."""
    row = rows.existing(session, CaRow, "CA", name, col(CaRow.name))
    rows.assign(session, row, {"directory_url": directory_url}, {"directory_url"})


def delete(session: Session, name: str) -> None:
    """Forget a custom CA. Raises NotFound."""
    secrets.delete_for(session, OWNER, name)
    rows.remove(session, rows.existing(session, CaRow, "CA", name, col(CaRow.name)))


def accounts_at(session: Session, name: str) -> list[str]:
    """Names of the accounts that are registered at this CA."""
    statement = select(AccountRow.name).where(AccountRow.ca == name).order_by(col(AccountRow.name))
    return list(session.exec(statement))


def _model(row: CaRow) -> Authority:
    return Authority(
        name=row.name,
        title=row.title,
        directory_url=row.directory_url,
        state="custom",
        ca_bundle=row.ca_bundle,
        proxy=row.proxy,
        max_names=row.max_names,
        single_account=row.single_account,
        lifetime_days=row.lifetime_days,
    )
