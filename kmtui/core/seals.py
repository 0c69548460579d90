"""Sealed configuration: where keys and records go is changed by kmtui alone.

Whoever can write the database but cannot open the vault needs no secret to do harm: another host,
path, command or CA URL is enough, and the next unattended run would deliver. So the fields that
decide are sealed when kmtui stores them, and compared before they are used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from sqlmodel import Session

from kmtui.core.errors import NotFound, TamperedConfiguration, TamperedSecret
from kmtui.db.secrets import SEAL
from kmtui.model import Account, Authority, DnsAccount, EndServer, Mapping, Target

if TYPE_CHECKING:
    from kmtui.core.secrets import Secrets

Sealable: TypeAlias = Account | Authority | DnsAccount | EndServer | Mapping | Target

COVERED: dict[type[Sealable], tuple[str, str, tuple[str, ...]]] = {
    Account: ("account", "id", ("ca", "directory_url", "key_thumbprint")),
    Authority: ("ca", "name", ("directory_url", "ca_bundle", "proxy")),
    DnsAccount: ("dns_account", "id", ("provider", "settings", "zones")),
    EndServer: ("end_server", "id", ("kind", "settings")),
    Mapping: (
        "mapping",
        "id",
        ("pattern", "challenge_type", "dns_account_id", "server_id", "alias", "webroot"),
    ),
    Target: (
        "target",
        "id",
        (
            *("certificate_id", "name", "server_id", "directory", "layout", "hook", "owner"),
            *("mode", "check_command", "reload_command", "verify", "adopt"),
        ),
    ),
}
"""Table, identifying field and the fields that a seal covers."""

WORDS = {
    "account": "ACME account",
    "ca": "CA",
    "dns_account": "DNS account",
    "end_server": "end server",
    "mapping": "mapping",
    "target": "target",
}


class Seals:
    """The seals of one inventory's configuration."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._seen: set[tuple[str, str, bytes]] = set()
        """Contents that were compared with their seals: what held once holds."""

    def put(self, session: Session, row: Sealable) -> None:
        """Seal a row as it is being stored, in the caller's transaction. Raises VaultLocked."""
        table, owner = _owner(row)
        self._secrets.seal(
            session, owner_table=table, owner_id=owner, kind=SEAL, value=_digest(row), replace=True
        )

    async def require(self, row: Sealable) -> None:
        """Make sure that a row is as kmtui stored it, before it is used.

        Raises TamperedConfiguration, VaultLocked.
        """
        if not await self._holds(row):
            raise TamperedConfiguration(
                f"{describe(row)} was changed from outside kmtui: it is not used",
                hint="kmtui vault seal shows what is not as it was stored; look who changed it, "
                "correct it, then seal it again",
            )

    async def broken(self, rows: Iterable[Sealable]) -> list[Sealable]:
        """Those of `rows` that are not as kmtui stored them. Raises VaultLocked."""
        return [row for row in rows if not await self._holds(row)]

    async def _holds(self, row: Sealable) -> bool:
        table, owner = _owner(row)
        digest = _digest(row)
        if (table, owner, digest) in self._seen:
            return True
        try:
            sealed = await self._secrets.open(owner_table=table, owner_id=owner, kind=SEAL)
        except (NotFound, TamperedSecret):
            return False
        if not hmac.compare_digest(sealed, digest):
            return False
        self._seen.add((table, owner, digest))
        return True


def describe(row: Sealable) -> str:
    """The row as an operator knows it: ``end server web1``."""
    return f"{WORDS[table_of(row)]} {name_of(row)}"


def name_of(row: Sealable) -> str:
    """Its name or pattern; a target's with its certificate."""
    if isinstance(row, Target):
        return f"{row.certificate} {row.name}"
    return row.pattern if isinstance(row, Mapping) else row.name


def table_of(row: Sealable) -> str:
    """The table the row is in."""
    return COVERED[type(row)][0]


def _owner(row: Sealable) -> tuple[str, str]:
    table, identity, _ = COVERED[type(row)]
    return table, getattr(row, identity)


def _digest(row: Sealable) -> bytes:
    """SHA-256 of the covered fields in one form."""
    _, _, fields = COVERED[type(row)]
    content = {name: getattr(row, name) for name in fields}
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
