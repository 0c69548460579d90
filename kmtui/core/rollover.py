"""The key of an account is replaced (RFC 8555 section 7.3.5), whatever happens on the way.

The new key is sealed and committed before the CA hears of it, and the old one goes when the CA was
seen to have the new one. In between the account has both: whoever looks next asks the CA which one
it has, and brings the change to its end.
"""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.account_book import VALID, AccountBook, checked_key_type
from kmtui.core.acme import Signer, tells_of_deactivation, thumbprint
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import AcmeError, CaUnreachable, Refused
from kmtui.core.events import AccountChanged, Event, VaultChanged
from kmtui.core.together import whole
from kmtui.db import accounts as rows
from kmtui.db.secrets import delete_for as forget_secret
from kmtui.model import ACCOUNT_KEYS, Account, KeyType


class Rollover(AccountBook):
    """Signs for accounts, and changes what they sign with."""

    def __init__(self, context: Context, cas: CertificateAuthorities) -> None:
        super().__init__(context, cas)
        self._signers: dict[tuple[str, str, str], Signer] = {}
        """By account, URL and thumbprint: a key that another process replaced is not used."""
        context.bus.subscribe(self._forget_signers)

    async def signer(self, account: Account) -> Signer:
        """What signs its requests (RFC 8555 section 6.2); a change of key that was cut off is
        brought to its end first.

        Raises Refused, VaultLocked; AcmeError while it cannot be told which key the CA has.
        """
        if account.key_changing:
            async with self._alone(account):
                account = await self._settled(account)
        if account.account_url is None or account.status != VALID:
            raise Refused(
                f"account {account.name} is {account.status} at {account.ca}",
                hint="register it again or choose another account",
            )
        at = (account.id, account.account_url or "", account.key_thumbprint)
        if at not in self._signers:
            self._signers[at] = Signer(await self.key(account), account.account_url)
        return self._signers[at]

    def _forget_signers(self, event: Event) -> None:
        # Keys stay at hand while the vault is open, and no longer.
        if isinstance(event, VaultChanged | AccountChanged):
            self._signers.clear()

    async def roll_key(self, word: str, *, key_type: str | None = None) -> Account:
        """Replace the account's key by a new one, of another type if wanted.

        Raises Refused (not valid, requests under way, a CA that cannot), AcmeError. After
        CaUnreachable the change may have been carried out: it is brought to its end by itself.
        """
        self._context.access.require_change()
        account = await self.get(word)
        authority = await self._cas.get(account.ca)
        _refuse_invalid(account)
        if authority.key_rollover is False:
            raise Refused(
                f"{authority.title} does not let an account change its key",
                hint="register another account, give it the certificates (kmtui cert set CERT "
                "--account A), then deactivate this one",
            )
        usual = account.key_type if account.key_type in ACCOUNT_KEYS else KeyType.EC256
        wanted = checked_key_type(key_type or usual)
        async with self._alone(account):
            account = await self._settled(account)
            _refuse_invalid(account)
            new_key = await asyncio.to_thread(keys.generate, wanted)
            await self._announce(account, new_key)
            return await whole(self._carry_out(account, new_key))

    async def _settled(self, account: Account) -> Account:
        """The account with one key, after asking the CA which of two it has if need be; one that is
        not valid any more is left as it is.

        For whoever is `_alone` with it. Raises Refused when the CA has neither; AcmeError.
        """
        account = await self.get(account.id)
        if not account.key_changing:
            return account
        old, new = await self.key(account), await self._unsealed(account, rows.NEXT_KEY)
        client = await self._cas.client(account.ca)
        try:
            in_force = await client.key_in_force(account.account_url or "", new, old)
        except AcmeError as error:
            if tells_of_deactivation(error.problem):
                return await self._found_ended(account)
            raise
        if in_force is None:
            raise Refused(
                f"the CA knows account {account.name} by neither its old nor its new key",
                hint="both are kept; kmtui account test tells what the CA says",
            )
        if in_force is new:
            return await self._promote(account, new)
        # It was asked for, and this key is as good as any: it is not taken back for having failed.
        return await whole(self._carry_out(account, new))

    async def _announce(self, account: Account, new_key: keys.PrivateKey) -> None:
        """Commit the new key beside the old one, before the CA hears of it."""

        def store(session: Session) -> None:
            # What is signed by the old key meanwhile would be refused, and challenges answered
            # with it would fail. A parked request goes on with the new one.
            rows.refuse_under_way(session, account, parked=False)
            self._seal_key(session, account, new_key, rows.NEXT_KEY)
            self.note(session, "roll-key", account, "started", f"to {thumbprint(new_key)}")

        await self._stored(account, store)

    async def _carry_out(self, account: Account, new_key: keys.PrivateKey) -> Account:
        """Tell the CA; take the new key, or drop it where the CA surely has the old one."""
        signer = Signer(await self.key(account), account.account_url)
        client = await self._cas.client(account.ca)
        try:
            await client.roll_key(signer, new_key)
        except CaUnreachable as error:
            await self._not_rolled(account, error)
            raise type(error)(
                error.message,
                hint="both keys are kept, and the change is brought to its end when the CA "
                "answers: at the next start, or by kmtui resume",
                problem=error.problem,
            ) from error
        except AcmeError as error:
            await self._not_rolled(account, error, drop=True)
            raise
        return await self._promote(account, new_key)

    async def _not_rolled(self, account: Account, error: AcmeError, *, drop: bool = False) -> None:
        """Put on record what the CA said; with `drop` the account keeps its old key for sure."""

        def store(session: Session) -> None:
            if drop:
                forget_secret(session, rows.OWNER, account.id, kind=rows.NEXT_KEY)
            self.note(session, "roll-key", account, "failed", error.message)

        await self._stored(account, store)

    async def _promote(self, account: Account, key: keys.PrivateKey) -> Account:
        """Make the new key the account's only one: the CA has it."""
        changed = {"key_type": keys.key_type_of(key), "key_thumbprint": thumbprint(key)}

        def store(session: Session) -> None:
            rows.update(session, account.id, **changed)
            self._seal_key(session, account, key)
            forget_secret(session, rows.OWNER, account.id, kind=rows.NEXT_KEY)
            row = rows.get(session, account.id)
            assert row is not None
            self._context.seals.put(session, row)
            self.note(session, "roll-key", account, detail=f"to {thumbprint(key)}")

        return await self._stored(account, store)


def _refuse_invalid(account: Account) -> None:
    if account.status != VALID:
        raise Refused(f"account {account.name} is {account.status}: its key cannot be replaced")
