"""How operators are told, as the inventory keeps it: sealed as a whole, the password apart.

Whoever can write the inventory, but not open its vault, can neither read the settings nor have a
command run by changing them.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from kmtui.core.errors import InvalidInput, NotFound
from kmtui.core.secrets import Secrets
from kmtui.db import secrets as rows
from kmtui.text import Secret

if TYPE_CHECKING:
    from kmtui.core.mail import MailServer

OWNER, OWNER_ID = "setting", "notify"
"""Whose secrets the settings are."""
SETTINGS, PASSWORD = "notify-settings", "smtp-password"
"""Their kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """How operators are told."""

    mail: MailServer | None = None
    command: tuple[str, ...] = ()
    """Program and arguments; what it finds in its environment begins with ``KMTUI_NOTICE``."""
    within_days: int = 14
    """How much life left is too little to keep quiet about."""
    digest: bool = True
    has_password: bool = False
    """Whether a password for the mail server is sealed beside."""

    @property
    def ways(self) -> int:
        """How many ways a message goes."""
        return bool(self.mail) + bool(self.command)

    @property
    def described(self) -> str:
        """Where messages go, in one line."""
        mail = self.mail
        ways = [f"mail through {mail.host} to {', '.join(mail.recipients)}"] if mail else []
        if self.command:
            ways.append(f"command {shlex.join(self.command)}")
        return "; ".join(ways)


def refuse_useless(wanted: NotifySettings) -> None:
    """Raise InvalidInput, naming the option, for settings that tell nobody."""
    if wanted.mail is None and not wanted.command:
        raise InvalidInput(
            "say how to tell: by mail, or by a command",
            field="smtp-host",
            hint="--smtp-host with --from and --to, or --command",
        )
    if wanted.command and not wanted.command[0].startswith("/"):
        raise InvalidInput("give the command by its whole path", field="command")
    if not 0 < wanted.within_days <= 400:
        raise InvalidInput("from 1 to 400 days", field="within")


async def read(secrets: Secrets) -> NotifySettings | None:
    """The settings; None when nobody is told. Raises VaultLocked, TamperedSecret."""
    try:
        stored = json.loads(await _open(secrets, SETTINGS))
    except NotFound:
        return None
    return _from_json(stored)


async def password(secrets: Secrets) -> Secret[str]:
    """The mail server's password. Raises NotFound, VaultLocked, TamperedSecret."""
    return Secret((await _open(secrets, PASSWORD)).decode())


def put(
    session: Session, secrets: Secrets, wanted: NotifySettings, password: str | None
) -> NotifySettings:
    """Seal settings; `password` None keeps the one there is, empty takes it away."""
    if password is not None:
        rows.delete_for(session, OWNER, OWNER_ID, kind=PASSWORD)
    if password:
        _seal(session, secrets, PASSWORD, password)
    kept = rows.find(session, OWNER, OWNER_ID, PASSWORD) is not None
    wanted = replace(wanted, has_password=kept)
    _seal(session, secrets, SETTINGS, json.dumps(asdict(wanted)))
    return wanted


def delete(session: Session) -> None:
    """Destroy the settings and the password."""
    rows.delete_for(session, OWNER, OWNER_ID)


async def _open(secrets: Secrets, kind: str) -> bytes:
    return await secrets.open(owner_table=OWNER, owner_id=OWNER_ID, kind=kind)


def _seal(session: Session, secrets: Secrets, kind: str, text: str) -> None:
    secrets.seal(
        session,
        owner_table=OWNER,
        owner_id=OWNER_ID,
        kind=kind,
        value=text.encode(),
        replace=True,
    )


def _from_json(stored: dict[str, Any]) -> NotifySettings:
    from kmtui.core.mail import MailServer

    mail = stored["mail"]
    if mail is not None:
        mail = MailServer(**{**mail, "recipients": tuple(mail["recipients"])})
    return NotifySettings(**{**stored, "mail": mail, "command": tuple(stored["command"])})
