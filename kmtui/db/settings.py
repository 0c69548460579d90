"""Settings of one inventory: names and text values."""

from __future__ import annotations

from sqlmodel import Session, col, select

from kmtui.db.tables import SettingRow

INVENTORY_ID = "inventory.id"
"""A UUID made with the inventory; every sealed value is bound to it."""


def get(session: Session, name: str) -> str | None:
    """The value, or None when it was never set."""
    row = session.get(SettingRow, name)
    return None if row is None else row.value


def put(session: Session, name: str, value: str) -> None:
    """Set a value, replacing the former."""
    session.merge(SettingRow(name=name, value=value))
    session.flush()


def delete(session: Session, name: str) -> None:
    """Forget a setting, if there is one of that name."""
    row = session.get(SettingRow, name)
    if row is not None:
        session.delete(row)
        session.flush()


def list_all(session: Session) -> dict[str, str]:
    """Every setting by name."""
    rows = session.exec(select(SettingRow).order_by(col(SettingRow.name)))
    return {row.name: row.value for row in rows}


def inventory_id(session: Session) -> str:
    """The UUID of this inventory."""
    return session.exec(select(SettingRow.value).where(SettingRow.name == INVENTORY_ID)).one()
