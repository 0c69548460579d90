"""ACME accounts: registered at a CA, their keys sealed before the CA hears of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from sqlmodel import Session

from kmtui.core import authorities, keys
from kmtui.core.acme import ExternalAccount, Signer, thumbprint
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import AcmeError, InvalidInput, NotFound, ProtocolViolation, Refused
from kmtui.core.events import AccountChanged, Event, VaultChanged
from kmtui.core.recent import Recent
from kmtui.db import accounts as rows
from kmtui.model import Account, Authority, KeyType, ListQuery

PENDING = "pending"
"""Status of an account whose key is stored and whose registration is not confirmed yet."""


class Accounts:
    """Registrations at CAs (RFC 8555 section 7.3)."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        self._context = context
        self._cas = cas
        self._signers: dict[str, Signer] = {}
        self._recent = Recent(context, rows.list_all, AccountChanged)
        context.bus.subscribe(self._forget_signers)

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
        section 7.3.1), so a lost answer loses nothing.
        Raises InvalidInput, Refused (retired CA, second account), AcmeError, CaUnreachable.
        """
        self._context.access.require_change()
        authority = await self._cas.get(ca)
        authorities.refuse_if_retired(authority)
        email = _checked_email(email, authority)
        eab = _checked_binding(eab_kid, eab_hmac)
        directory = await self._cas.directory(ca)
        terms = directory.meta.terms_of_service
        if terms and not agree_tos:
            raise InvalidInput(
                f"{authority.title} asks you to agree to its terms of service: {terms}",
                field="agree-tos",
                hint="read them, then give --agree-tos or tick the box",
            )
        if directory.meta.external_account_required and eab is None:
            raise InvalidInput(
                f"{authority.title} registers only accounts bound to one it knows (EAB)",
                field="eab-kid",
                hint="get key id and HMAC key from the CA, give --eab-kid and --eab-hmac-file",
            )
        account = await self._planned(name, authority, email, key_type, terms)
        key = await self.key(account)
        client = await self._cas.client(ca)
        try:
            registered = await client.new_account(
                key,
                contact=[f"mailto:{email}"] if email else [],
                terms_agreed=bool(terms),
                eab=eab,
            )
        except AcmeError as error:
            if _is_refusal(error):
                await self._forget(account, error)
            raise

        def confirm(session: Session) -> None:
            rows.update(
                session, account.id, account_url=registered.url, status=registered.status or "valid"
            )
            self._context.record(
                session, "account register", "account", account.id, name, detail=authority.title
            )

        await self._context.db.write(confirm)
        self._context.bus.publish(AccountChanged(account.id))
        return await self.get(account.id)

    async def key(self, account: Account) -> keys.PrivateKey:
        """The account's private key, unsealed. Raises VaultLocked, TamperedConfiguration."""
        await self._context.seals.require(account)
        await self._cas.require_sealed(account.ca)
        pem = await self._context.secrets.open(
            owner_table="account", owner_id=account.id, kind="account-key"
        )
        return keys.load_private_key(pem)

    async def signer(self, account: Account) -> Signer:
        """What signs its requests (RFC 8555 section 6.2). Raises Refused, VaultLocked."""
        if account.account_url is None or account.status != "valid":
            raise Refused(
                f"account {account.name} is {account.status} at {account.ca}",
                hint="register it again or choose another account",
            )
        signer = self._signers.get(account.id)
        if signer is None or signer.kid != account.account_url:
            signer = Signer(await self.key(account), account.account_url)
            self._signers[account.id] = signer
        return signer

    def _forget_signers(self, event: Event) -> None:
        # Keys stay at hand while the vault is open, and no longer.
        if isinstance(event, VaultChanged | AccountChanged):
            self._signers.clear()

    async def _planned(
        self,
        name: str,
        authority: Authority,
        email: str | None,
        key_type: str,
        terms: str | None,
    ) -> Account:
        """The committed row and key this registration is for: a cut-off one, or a new one."""
        existing = await self.all()
        for account in existing:
            if account.name == name:
                if account.ca == authority.name and await self._unknown_there(account):
                    return account
                raise InvalidInput(f"an account is named {name} already", field="name")
        if not name.strip():
            raise InvalidInput("an account needs a name", field="name")
        if authority.single_account and (
            others := [a.name for a in existing if a.ca == authority.name and a.status == "valid"]
        ):
            raise Refused(f"{authority.title} allows one account, and there is {others[0]} already")
        if key_type not in {KeyType.EC256, KeyType.EC384, KeyType.RSA2048, KeyType.RSA4096}:
            raise InvalidInput(f"no account key type is called {key_type}", field="key-type")
        key = await asyncio.to_thread(keys.generate, KeyType(key_type))
        now = self._context.clock()
        account = Account(
            id=str(uuid.uuid4()),
            name=name,
            ca=authority.name,
            directory_url=authority.directory_url,
            account_url=None,
            status=PENDING,
            email=email,
            key_type=key_type,
            key_thumbprint=thumbprint(key),
            created_at=now,
            terms_url=terms,
            terms_agreed_at=now if terms else None,
        )

        def store(session: Session) -> None:
            rows.insert(session, account)
            self._context.secrets.seal(
                session,
                owner_table="account",
                owner_id=account.id,
                kind="account-key",
                value=keys.to_pem(key),
            )
            self._context.seals.put(session, account)

        await self._context.db.write(store)
        return account

    async def _unknown_there(self, account: Account) -> bool:
        """Whether the CA does not have the account: never registered, or lost by it."""
        if account.status != "valid":
            return account.status == PENDING
        client = await self._cas.client(account.ca)
        try:
            await client.find_account(await self.key(account))
        except AcmeError as error:
            if error.problem is None or error.problem.short_type != "accountDoesNotExist":
                raise
            return True
        return False

    async def _forget(self, account: Account, error: AcmeError) -> None:
        """The CA said no: nothing was registered, so a planned row goes; the trail stays."""

        def forget(session: Session) -> None:
            if account.status == PENDING:
                rows.delete(session, account.id)
            self._context.record(
                session,
                "account register",
                "account",
                None,
                account.name,
                "failed",
                error.message,
            )

        await self._context.db.write(forget)


def _is_refusal(error: AcmeError) -> bool:
    """Whether the CA surely registered nothing; else the key is kept and the next try finds out."""
    status = error.problem.http_status if error.problem else None
    return not isinstance(error, ProtocolViolation) and status is not None and 400 <= status < 500


def _checked_email(email: str | None, authority: Authority) -> str | None:
    email = (email or "").strip() or None
    if email is None:
        if authority.email_required:
            raise InvalidInput(f"{authority.title} asks for an e-mail address", field="email")
        return None
    local, at, host = email.partition("@")
    if not (local and at and "." in host) or any(c.isspace() or c in ",<>?" for c in email):
        raise InvalidInput(f"{email!r} is not an e-mail address", field="email")
    return email


def _checked_binding(kid: str | None, hmac_key: str | None) -> ExternalAccount | None:
    if not kid and not hmac_key:
        return None
    if not (kid and hmac_key):
        missing = "eab-hmac-file" if kid else "eab-kid"
        raise InvalidInput("an external account binding needs key id and HMAC key", field=missing)
    return ExternalAccount(kid=kid.strip(), hmac_key=hmac_key.strip())
