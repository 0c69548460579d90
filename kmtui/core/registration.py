"""Accounts come in: registered at a CA (RFC 8555 section 7.3), or added by the key they have."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from kmtui.core import acme, authorities, keys
from kmtui.core.account_book import (
    DEACTIVATED,
    PENDING,
    VALID,
    AccountBook,
    checked_email,
    checked_key_type,
    contact_of,
    email_of,
)
from kmtui.core.account_keys import AccountKey, parse_account_key, read_account_key
from kmtui.core.acme import ExternalAccount, tells_of_deactivation, thumbprint
from kmtui.core.acme.retries import surely_undone
from kmtui.core.errors import AcmeError, CaUnreachable, InvalidInput, Refused
from kmtui.db import accounts as rows
from kmtui.model import Account, Authority, KeyType


class Registration(AccountBook):
    """Registers accounts, and finds those that exist."""

    async def register(
        self,
        name: str,
        *,
        ca: str,
        email: str | None = None,
        agree_tos: bool = False,
        key_type: str = KeyType.EC256,
        eab_kid: str | None = None,
        eab_hmac: str | None = None,
    ) -> Account:
        """Register an account; the same name again takes up a registration that was cut off, or one
        that the CA has lost, with the key it had.

        The key is sealed and committed first: newAccount is idempotent by key (RFC 8555
        section 7.3.1), so a lost answer loses nothing. The binding's HMAC key is used and not kept:
        it is good for one registration.
        Raises InvalidInput, Refused (retired CA, second account), AcmeError, CaUnreachable.
        """
        self._context.access.require_change()
        authority = await self._cas.get(ca)
        authorities.refuse_if_retired(authority)
        email = checked_email(email, authority)
        eab = _checked_binding(eab_kid, eab_hmac)
        meta = (await self._cas.directory(ca)).meta
        terms = meta.terms_of_service
        if terms and not agree_tos:
            raise InvalidInput(
                f"{authority.title} asks you to agree to its terms of service: {terms}",
                field="agree-tos",
                hint="read them, then give --agree-tos or tick the box",
            )
        before = await self._to_take_up(name, authority)
        found = await self._at_ca(before) if before else None
        if before is not None and found is not None and before.status == VALID:
            raise _taken(name)
        if found is None and meta.external_account_required and eab is None:
            raise InvalidInput(
                f"{authority.title} registers only accounts bound to one it knows (EAB)",
                field="eab-kid",
                hint="get key id and HMAC key from the CA, give --eab-kid and --eab-hmac-file",
            )
        account = before or await self._planned(name, authority, email, key_type, terms)
        async with self.on_record("register", account, authority.title):
            found = found or await self._registered(account, email, bool(terms), eab)
            return await self._confirmed(account, found)

    async def add(
        self,
        name: str,
        *,
        ca: str,
        key: Path | str,
        eab_kid: str | None = None,
        eab_hmac: str | None = None,
    ) -> Account:
        """Find the account that belongs to a key, and keep both; nothing is ever registered.

        `key` is a file, or the text of one, as `account_keys` reads them.
        Raises InvalidInput, Refused (retired CA, second account, here already), AcmeError.
        """
        self._context.access.require_change()
        authority = await self._cas.get(ca)
        authorities.refuse_if_retired(authority)
        eab = _checked_binding(eab_kid, eab_hmac)
        known = await self.all()
        _refuse_name(name, known)
        _refuse_second(authority, known)
        given = await asyncio.to_thread(_read, key)
        account = self._row(name, authority, given.key)
        _refuse_key(account, known)
        async with self.on_record("add", account, authority.title):
            found = await self._found(authority, given, eab)
            _refuse_url(account, found.url, known)
            account = replace(
                account,
                account_url=found.url,
                status=found.status or VALID,
                email=email_of(found.contact),
            )

            def keep(session: Session) -> None:
                # Another one may have come meanwhile.
                others = rows.list_all(session)
                _refuse_second(authority, others)
                _refuse_key(account, others)
                rows.insert(session, account)
                self._seal_key(session, account, given.key)
                self._context.seals.put(session, account)
                self.note(session, "add", account, detail=found.url)

            return await self._stored(account, keep)

    async def _to_take_up(self, name: str, authority: Authority) -> Account | None:
        """The account of that name whose registration was cut off, or may be lost by the CA."""
        for account in await self.all():
            if account.name == name:
                if account.ca != authority.name or account.status not in (PENDING, VALID):
                    raise _taken(name)
                return account
        return None

    async def _at_ca(self, account: Account) -> acme.Account | None:
        """The account as the CA has it; None when its key is not known there."""
        client = await self._cas.client(account.ca)
        try:
            return await client.find_account(await self.key(account))
        except AcmeError as error:
            told = error.problem.short_type if error.problem else ""
            # A CA that wants a binding even to find an account is asked with it, by newAccount.
            if told not in ("accountDoesNotExist", "externalAccountRequired"):
                raise
        return None

    async def _planned(
        self,
        name: str,
        authority: Authority,
        email: str | None,
        key_type: str,
        terms: str | None,
    ) -> Account:
        """The committed row and key of a new registration."""
        _refuse_name(name, await self.all())
        key = await asyncio.to_thread(keys.generate, checked_key_type(key_type))
        account = replace(
            self._row(name, authority, key),
            email=email,
            terms_url=terms,
            terms_agreed_at=self._context.clock() if terms else None,
        )

        def store(session: Session) -> None:
            # Another one may have come meanwhile.
            _refuse_second(authority, rows.list_all(session))
            rows.insert(session, account)
            self._seal_key(session, account, key)
            self._context.seals.put(session, account)

        await self._context.db.write(store)
        return account

    def _row(self, name: str, authority: Authority, key: keys.PrivateKey) -> Account:
        return Account(
            id=str(uuid.uuid4()),
            name=name,
            ca=authority.name,
            directory_url=authority.directory_url,
            account_url=None,
            status=PENDING,
            email=None,
            key_type=keys.key_type_of(key),
            key_thumbprint=thumbprint(key),
            created_at=self._context.clock(),
        )

    async def _registered(
        self, account: Account, email: str | None, agreed: bool, eab: ExternalAccount | None
    ) -> acme.Account:
        client = await self._cas.client(account.ca)
        key = await self.key(account)
        try:
            return await client.new_account(
                key, contact=contact_of(email), terms_agreed=agreed, eab=eab
            )
        except AcmeError as error:
            # The CA said no, so nothing was registered: a planned row goes, the record stays.
            refused = surely_undone(error) and not isinstance(error, CaUnreachable)
            if refused and account.status == PENDING:
                await self._context.db.write(lambda session: rows.delete(session, account.id))
            raise

    async def _confirmed(self, account: Account, found: acme.Account) -> Account:
        def confirm(session: Session) -> None:
            rows.update(session, account.id, account_url=found.url, status=found.status or VALID)
            self.note(session, "register", account, detail=account.ca)

        return await self._stored(account, confirm)

    async def _found(
        self, authority: Authority, given: AccountKey, eab: ExternalAccount | None
    ) -> acme.Account:
        """The account of a key: without the binding first, because some CAs refuse one that was
        used, then with it, because others want it even here.
        """
        client = self._cas.client_of(authority)
        try:
            try:
                found = await client.find_account(given.key)
            except AcmeError as error:
                told = error.problem.short_type if error.problem else ""
                if told != "externalAccountRequired" or eab is None:
                    raise
                found = await client.find_account(given.key, eab=eab)
        except AcmeError as error:
            raise _explained(error, authority, given) from error
        if found.status == DEACTIVATED:
            raise _ended(authority)
        return found


def _checked_binding(kid: str | None, hmac_key: str | None) -> ExternalAccount | None:
    if not kid and not hmac_key:
        return None
    if not (kid and hmac_key):
        missing = "eab-hmac-file" if kid else "eab-kid"
        raise InvalidInput("an external account binding needs key id and HMAC key", field=missing)
    eab = ExternalAccount(kid=kid.strip(), hmac_key=hmac_key.strip())
    eab.check()
    return eab


def _read(key: Path | str) -> AccountKey:
    return read_account_key(key) if isinstance(key, Path) else AccountKey(parse_account_key(key))


def _refuse_name(name: str, known: Sequence[Account]) -> None:
    if not name.strip():
        raise InvalidInput("an account needs a name", field="name")
    if any(account.name == name for account in known):
        raise _taken(name)


def _taken(name: str) -> InvalidInput:
    return InvalidInput(f"an account is named {name} already", field="name")


def _refuse_second(authority: Authority, known: Sequence[Account]) -> None:
    """Where a CA allows one account: also one that is not confirmed yet may be it."""
    others = [a for a in known if a.ca == authority.name and a.status != DEACTIVATED]
    if authority.single_account and others:
        raise Refused(
            f"{authority.title} allows one account, and there is {others[0].name} already",
            hint=f"use {others[0].name}, or delete it here first: kmtui account delete",
        )


def _refuse_key(account: Account, known: Sequence[Account]) -> None:
    for other in known:
        if (other.directory_url, other.key_thumbprint) == (
            account.directory_url,
            account.key_thumbprint,
        ):
            raise Refused(f"the account of this key is here already: {other.name} ({other.status})")


def _refuse_url(account: Account, url: str, known: Sequence[Account]) -> None:
    for other in known:
        if (other.directory_url, other.account_url) == (account.directory_url, url):
            raise Refused(
                f"this account is here already, with another key: {other.name}",
                hint=f"if its key was changed elsewhere, delete {other.name} here, then add it "
                "again by its new key",
            )


def _explained(
    error: AcmeError, authority: Authority, given: AccountKey
) -> AcmeError | InvalidInput:
    """Why no account was found, in the words of somebody who holds a key file."""
    told = error.problem.short_type if error.problem else ""
    if tells_of_deactivation(error.problem):
        return _ended(authority, error)
    if told == "accountDoesNotExist":
        at = f"; its file says the account is {given.account_url}" if given.account_url else ""
        return AcmeError(
            f"{authority.title} has no account with this key{at}",
            hint="choose the CA where it was registered: staging and production are two. A new "
            "account is made by kmtui account register, never by adding a key",
            problem=error.problem,
        )
    if told == "externalAccountRequired":
        return InvalidInput(
            f"{authority.title} finds an account only with its binding (EAB)",
            field="eab-kid",
            hint="give key id and HMAC key as at the registration: --eab-kid and --eab-hmac-file",
        )
    return error


def _ended(authority: Authority, error: AcmeError | None = None) -> AcmeError:
    return AcmeError(
        f"the account of this key is deactivated at {authority.title}",
        hint="that is final: neither the account nor its key can be used again. kmtui account "
        "register makes a new account",
        problem=error.problem if error else None,
    )
