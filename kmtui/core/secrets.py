"""Sealed values: stored by owner and kind, opened only with the vault unlocked."""

from __future__ import annotations

import uuid

from sqlmodel import Session

from kmtui.core.errors import NotFound
from kmtui.core.vault import Vault
from kmtui.db import secrets as rows
from kmtui.db.database import Database


class Secrets:
    """The road of every key, token and password into and out of the inventory.

    A sealed value is bound to its row, its kind and its owner: moved to another place it does not
    open (TamperedSecret).
    """

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    def seal(
        self,
        session: Session,
        *,
        owner_table: str,
        owner_id: str,
        kind: str,
        value: bytes,
        replace: bool = False,
    ) -> str:
        """Store `value` within the caller's transaction; return the secret's id.

        Raises VaultLocked; Refused when the owner has one of this kind, unless it is to `replace`.
        """
        secret_id = str(uuid.uuid4())
        blob = self._vault.seal(
            value,
            table="secret",
            column="blob",
            row_id=secret_id,
            kind=kind,
            context=_owner(owner_table, owner_id),
        )
        store = rows.replace if replace else rows.put
        store(
            session,
            id=secret_id,
            owner_table=owner_table,
            owner_id=owner_id,
            kind=kind,
            blob=blob,
        )
        return secret_id

    async def open(self, *, owner_table: str, owner_id: str, kind: str) -> bytes:
        """The plain value. Raises NotFound, VaultLocked, TamperedSecret."""
        found = await self._db.read(lambda session: rows.find(session, owner_table, owner_id, kind))
        if found is None:
            raise NotFound(f"no {kind} is stored for this {owner_table}")
        return unsealed(
            self._vault, rows.StoredSecret(found.id, found.blob, owner_table, owner_id, kind)
        )

    def mac(self, purpose: str, message: bytes) -> bytes:
        """HMAC-SHA-256 that only an open vault can make or check. Raises VaultLocked."""
        return self._vault.mac(purpose, message)


def unsealed(vault: Vault, secret: rows.StoredSecret) -> bytes:
    """The plain value of a stored secret. Raises VaultLocked, TamperedSecret."""
    return vault.open(
        secret.blob,
        table="secret",
        column="blob",
        row_id=secret.id,
        kind=secret.kind,
        context=_owner(secret.owner_table, secret.owner_id),
    )


def _owner(table: str, owner_id: str) -> bytes:
    return f"{table}\0{owner_id}".encode()
