"""The ACME accounts of an inventory: read, their keys unsealed, acts on them put on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.acme.problems import own_problem, refusal
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput, KmtuiError, NotFound
from kmtui.core.events import AccountChanged
from kmtui.core.locks import FileLock
from kmtui.core.recent import Recent
from kmtui.db import accounts as rows
from kmtui.model import ACCOUNT_KEYS, Account, Authority, KeyType, ListQuery

PENDING = "pending"
"""Status of an account whose key is stored and whose registration is not confirmed yet."""
VALID = "valid"
DEACTIVATING = "deactivating"
"""Status of one that the CA is being told to deactivate: whether it heard is not known yet."""
DEACTIVATED = "deactivated"

LOCK_PATIENCE = 30.0
"""Seconds to wait for another process that changes the same account: three slow answers of a CA."""


class AccountBook:
    """The registrations at CAs (RFC 8555 section 7.1.2) as they are stored."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        self._context = context
        self._cas = cas
        self._recent = Recent(context, rows.list_all, AccountChanged)

    async def all(self) -> list[Account]:
        """All accounts by name."""
        return await self._context.db.read(rows.list_all)

    async def page(self, query: ListQuery) -> list[Account]:
        """One page of the list."""
        return await self._context.db.read(lambda session: rows.page(session, query))

    async def count(self, query: ListQuery) -> int:
        """How many accounts the query matches."""
        return await self._context.db.read(lambda session: rows.count(session, query))

    async def sealed(self) -> Sequence[Account]:
        """Those whose settings are sealed: all of them."""
        return await self.all()

    async def get(self, word: str) -> Account:
        """The account of that name or id. Raises NotFound."""
        found = await self._context.db.read(lambda session: rows.get(session, word))
        if found is None:
            raise NotFound(
                f"no account is named {word}",
                hint="kmtui account list shows them; kmtui account register makes one",
            )
        return found

    async def recent(self, word: str) -> Account:
        """As `get`, as it was within the last second: for the work on requests."""
        for account in await self._recent.all():
            if word in (account.id, account.name):
                return account
        return await self.get(word)

    async def renewing(self, word: str) -> list[str]:
        """Labels of the certificates that renew by themselves with that account, in order."""
        account = await self.get(word)
        return await self._context.db.read(lambda session: rows.renewing(session, account.id))

    async def key(self, account: Account) -> keys.PrivateKey:
        """The account's private key, unsealed. Raises VaultLocked, TamperedConfiguration."""
        return await self._unsealed(account, rows.KEY)

    async def _unsealed(self, account: Account, kind: str) -> keys.PrivateKey:
        await self._context.seals.require(account)
        await self._cas.require_sealed(account.ca)
        pem = await self._context.secrets.open(
            owner_table=rows.OWNER, owner_id=account.id, kind=kind
        )
        return keys.load_private_key(pem)

    # Changing

    def _seal_key(
        self, session: Session, account: Account, key: keys.PrivateKey, kind: str = rows.KEY
    ) -> None:
        """Store a key of the account in the caller's transaction, in place of a former one."""
        self._context.secrets.seal(
            session,
            owner_table=rows.OWNER,
            owner_id=account.id,
            kind=kind,
            value=keys.to_pem(key),
            replace=True,
        )

    def note(
        self,
        session: Session,
        act: str,
        account: Account,
        outcome: str = "ok",
        detail: str = "",
    ) -> None:
        """Put an act on record in the caller's transaction."""
        self._context.record(
            session, f"account {act}", "account", account.id, account.name, outcome, detail
        )

    async def _stored(self, account: Account, store: Callable[[Session], None]) -> Account:
        """Commit a change of the account, tell of it, and read the account again."""
        await self._context.db.write(store)
        self._context.bus.publish(AccountChanged(account.id))
        return await self.get(account.id)

    async def _found_ended(self, account: Account) -> Account:
        """The CA says that somebody deactivated the account: what is shown follows it."""
        if account.status == DEACTIVATED or self._context.access.read_only:
            return account

        def store(session: Session) -> None:
            rows.update(session, account.id, status=DEACTIVATED)
            self.note(session, "deactivate", account, detail="found deactivated at the CA")

        return await self._stored(account, store)

    @asynccontextmanager
    async def on_record(self, act: str, account: Account, detail: str = "") -> AsyncIterator[None]:
        """Put on record that an act begins, and how it failed. That it went well is put on record
        with what came of it, in one commit.
        """
        await self._context.db.write(
            lambda session: self.note(session, act, account, "started", detail)
        )
        try:
            yield
        except KmtuiError as error:
            failed = error.message
            await self._context.db.write(
                lambda session: self.note(session, act, account, "failed", failed)
            )
            raise

    @asynccontextmanager
    async def _alone(
        self, account: Account, *, patience: float | None = None
    ) -> AsyncIterator[None]:
        """One at a time, of all processes, changes the account's key or ends the account.

        Raises AcmeError, to be tried again later, when another one takes longer than `patience`
        seconds (`LOCK_PATIENCE` unless told).
        """
        path = self._context.owners.directory / f"account-{account.id}.lock"
        give_up = time.monotonic() + (LOCK_PATIENCE if patience is None else patience)
        while (lock := FileLock.take(path)) is None:
            if time.monotonic() > give_up:
                raise refusal(own_problem("kmtui:key-changing", account.name))
            await asyncio.sleep(0.05)
        with lock:
            yield


def unfinished(account: Account) -> str:
    """What was cut off at an account and is not at its end yet; empty for nothing."""
    if account.status == DEACTIVATING:
        return f"whether account {account.name} is deactivated is not known yet"
    if account.key_changing:
        return f"the change of the key of account {account.name} is not finished"
    return ""


def checked_key_type(word: str) -> KeyType:
    """A key type of accounts. Raises InvalidInput (``key-type``)."""
    if word not in ACCOUNT_KEYS:
        raise InvalidInput(
            f"no account key type is called {word}",
            field="key-type",
            hint="one of: " + ", ".join(ACCOUNT_KEYS),
        )
    return KeyType(word)


def checked_email(email: str | None, authority: Authority) -> str | None:
    """One e-mail address, or none where the CA does without. Raises InvalidInput (``email``)."""
    email = (email or "").strip() or None
    if email is None:
        if authority.email_required:
            raise InvalidInput(f"{authority.title} asks for an e-mail address", field="email")
        return None
    local, at, host = email.partition("@")
    if not (local and at and "." in host) or any(c.isspace() or c in ",<>?" for c in email):
        raise InvalidInput(f"{email!r} is not an e-mail address", field="email")
    return email


def contact_of(email: str | None) -> list[str]:
    """An e-mail address as the contact URLs of an account (RFC 8555 section 7.1.2)."""
    return [f"mailto:{email}"] if email else []


def email_of(contact: Sequence[str]) -> str | None:
    """The first e-mail address among contact URLs."""
    found = (url.partition(":") for url in contact)
    return next((rest for scheme, _, rest in found if scheme.lower() == "mailto" and rest), None)
