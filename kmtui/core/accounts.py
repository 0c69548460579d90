"""ACME accounts, their whole life: registered or added, changed, tested, exported, ended, deleted.

Registering and adding are in `registration`, the change of key in `rollover`, the end at the CA in
`deactivation`; what they all need is in `account_book`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from kmtui.core import acme, ledger
from kmtui.core.account_book import (
    DEACTIVATED,
    DEACTIVATING,
    checked_email,
    contact_of,
    email_of,
    unfinished,
)
from kmtui.core.account_keys import FORMATS
from kmtui.core.acme import Signer, tells_of_deactivation
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.checks import findings
from kmtui.core.context import Context
from kmtui.core.deactivation import Deactivation
from kmtui.core.decisions import pause
from kmtui.core.errors import AcmeError, InvalidInput, KmtuiError, Refused
from kmtui.core.events import AccountChanged, CertificateChanged
from kmtui.core.ledger import Standing
from kmtui.core.private_files import refuse_inventory, write_private
from kmtui.core.registration import Registration
from kmtui.db import accounts as rows
from kmtui.model import Account, CheckLine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """An account whose change of key or deactivation was cut off, once it was taken up."""

    account: Account
    error: KmtuiError | None = None
    """Why it did not come to its end."""


class Accounts(Registration, Deactivation):
    """Registrations at CAs (RFC 8555 section 7.3)."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        super().__init__(context, cas)
        self._later: dict[str, tuple[int, datetime]] = {}
        """What could not be brought to its end: how often it was tried, and when it is again."""

    async def update(self, word: str, *, email: str) -> Account:
        """Change the e-mail address at the CA; an empty one takes it away.

        What the CA answers is what is kept; one that keeps no addresses leaves ours as given.
        Raises InvalidInput, Refused, AcmeError.
        """
        self._context.access.require_change()
        account = await self.get(word)
        address = checked_email(email, await self._cas.get(account.ca))
        async with self.on_record("update", account, f"e-mail {address or 'none'}"):
            client = await self._cas.client(account.ca)
            told = await client.update_account(await self.signer(account), contact_of(address))
            kept = email_of(told.contact) or address

            def store(session: Session) -> None:
                rows.update(session, account.id, email=kept)
                self.note(session, "update", account, detail=f"e-mail {kept or 'none'}")

            return await self._stored(account, store)

    async def export_key(
        self, word: str, path: Path, *, format: str = "pem", replace: bool = False
    ) -> Account:
        """Write the account's private key to a file, in the clear: `pem` (PKCS#8) or `jwk`.

        Whoever has the file has the account. Raises InvalidInput (``out``, ``format``), Refused
        when the file exists, unless it is to be replaced.
        """
        self._context.access.require_change()
        if format not in FORMATS:
            raise InvalidInput(
                f"no key format is called {format}", field="format", hint=" or ".join(FORMATS)
            )
        account = await self.get(word)
        async with self._alone(account):
            account = await self._settled(account)
            await self._write_key(account, path, format, field="out", replace=replace)
        return account

    async def delete(
        self,
        word: str,
        *,
        key_out: Path | None = None,
        discard_key: bool = False,
        force: bool = False,
    ) -> list[str]:
        """Forget an account here; at its CA it lives on. `key_out` is where its key goes, without
        which it cannot come back.

        Returns the ids of the certificates that have no account now: only with `force` are some
        among them that renew. Raises InvalidInput, Refused.
        """
        self._context.access.require_change()
        account = await self.get(word)
        if (key_out is None) != discard_key:
            raise InvalidInput(
                f"the key of {account.name} is all that brings the account back: "
                "say where it goes, or that it is given up, and not both",
                field="key-out",
                hint="--key-out FILE writes it, --discard-key gives it up",
            )
        async with self._alone(account):
            account = await self.get(account.id)
            if key_out is not None:
                if account.key_changing:
                    raise Refused(
                        f"the key of {account.name} is being replaced: which one to keep is not "
                        "known",
                        hint="kmtui resume finishes it; --discard-key gives both keys up",
                    )
                await self._context.db.read(
                    lambda session: rows.refuse_in_use(session, account, force=force)
                )
                await self._write_key(account, key_out, "pem", field="key-out")

            def remove(session: Session) -> list[str]:
                orphaned = rows.delete(session, account.id, force=force)
                detail = "its key was given up" if key_out is None else f"its key is in {key_out}"
                self.note(session, "delete", account, detail=detail)
                return orphaned

            orphaned = await self._context.db.write(remove)
        self._context.bus.publish(
            AccountChanged(account.id), *(CertificateChanged(each) for each in orphaned)
        )
        return orphaned

    async def _write_key(
        self, account: Account, path: Path, format: str, *, field: str, replace: bool = False
    ) -> None:
        content = FORMATS[format](await self.key(account))
        refuse_inventory(path, self._context.db.path.parent, field=field)
        async with self.on_record("export-key", account, str(path)):
            await asyncio.to_thread(write_private, path, content, field=field, replace=replace)
            await self._context.db.write(
                lambda session: self.note(session, "export-key", account, detail=str(path))
            )

    async def standings(self, word: str) -> list[Standing]:
        """How far the CA's limits for one account are used up, as far as is known here."""
        account = await self.get(word)
        authority = await self._cas.get(account.ca)
        now = self._context.clock()
        return await self._context.db.read(
            lambda session: ledger.of_account(session, authority, account_id=account.id, now=now)
        )

    async def test(self, word: str) -> list[CheckLine]:
        """Whether the CA answers, and has the account as it is kept here."""
        account = await self.get(word)
        lines = await self._cas.check(account.ca)
        if any(line.ok is False for line in lines):
            return lines
        if self._context.access.locked:
            locked = "the vault is locked: the CA was not asked about the account itself"
            return [*lines, CheckLine(None, locked)]
        return [*lines, *await findings(self._compared(account))]

    async def _compared(self, account: Account) -> list[CheckLine]:
        """The account at the CA beside the one here."""
        try:
            found = await self._looked_up(account)
        except AcmeError as error:
            if tells_of_deactivation(error.problem):
                await self._found_ended(account)
            raise
        if found.status == DEACTIVATED:
            await self._found_ended(account)
        lines = [CheckLine(found.status == "valid", f"the account is {found.status} at the CA")]
        if found.url != account.account_url:
            lines.append(CheckLine(False, f"the CA has its key at another account: {found.url}"))
        there = email_of(found.contact)
        if found.contact and there != account.email:
            lines.append(CheckLine(None, f"the CA has the e-mail address {there or 'none'}"))
        terms = (await (await self._cas.client(account.ca)).directory()).meta.terms_of_service
        if terms and account.terms_url and terms != account.terms_url:
            lines.append(CheckLine(None, f"the terms of service are others by now: {terms}"))
        if account.key_changing:
            lines.append(CheckLine(False, "its key is being replaced: kmtui resume finishes it"))
        return lines

    async def _looked_up(self, account: Account) -> acme.Account:
        client = await self._cas.client(account.ca)
        keys = [await self.key(account)]
        if account.key_changing:
            keys.insert(0, await self._unsealed(account, rows.NEXT_KEY))
        for key in keys:
            try:
                return await client.find_account(key)
            except AcmeError as error:
                told = error.problem.short_type if error.problem else ""
                if told == "externalAccountRequired":
                    return await client.account(Signer(key, account.account_url))
                if told != "accountDoesNotExist" or key is keys[-1]:
                    raise
        raise AssertionError("the last key finds the account or raises")

    async def take_up(self) -> list[TakenUp]:
        """Bring changes of keys and deactivations that were cut off to their end.

        What another process is at is left to it, and what the CA keeps from being finished is tried
        again after growing pauses.
        """
        now, found = self._context.clock(), []
        for account in await self.all():
            tried, again = self._later.get(account.id, (0, now))
            if not unfinished(account) or now < again:
                continue
            try:
                async with self._alone(account, patience=0.0):
                    account = await self._settled(account)
                    if account.status == DEACTIVATING:
                        account = await self._end(account)
            except KmtuiError as error:
                log.warning("account %s: %s", account.name, error.message)
                self._later[account.id] = (tried + 1, now + pause(tried))
                found.append(TakenUp(account, error))
            else:
                self._later.pop(account.id, None)
                found.append(TakenUp(account))
        return found
