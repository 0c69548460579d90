"""Account management (RFC 8555 section 7.3): register, find, update, roll the key, deactivate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kmtui.core.acme.jws import ExternalAccount, PrivateKey, Signer, key_change
from kmtui.core.acme.objects import Account
from kmtui.core.acme.problems import own_problem, refusal, unreachable, violation
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.session import Session
from kmtui.core.errors import AcmeError, CaUnreachable


class AccountRequests(Session):
    """What one can ask a CA about accounts."""

    async def new_account(
        self,
        key: PrivateKey,
        *,
        contact: Sequence[str],
        terms_agreed: bool,
        eab: ExternalAccount | None = None,
    ) -> Account:
        """The account of this key, registered now or before (section 7.3).

        `contact` holds URLs (``mailto:…``). Idempotent by key, so a lost answer is asked for again.
        Raises AcmeError, CaUnreachable, ProtocolViolation, InvalidInput (HMAC key).
        """
        payload: dict[str, Any] = {"contact": list(contact)} if contact else {}
        if terms_agreed:
            payload["termsOfServiceAgreed"] = True
        return await self._register(key, payload, eab)

    async def find_account(self, key: PrivateKey, *, eab: ExternalAccount | None = None) -> Account:
        """The existing account of this key (section 7.3.1); none is ever created.

        Raises AcmeError with `accountDoesNotExist`. Try without `eab` first: some CAs demand a
        binding even here, others refuse one that is spent.
        """
        account = await self._register(key, {"onlyReturnExisting": True}, eab)
        if account.created:
            raise violation(
                "the CA was asked to find an account and created one", where=account.url
            )
        return account

    async def account(self, signer: Signer) -> Account:
        """The account as the CA has it (POST-as-GET of the account URL)."""
        url = _account_url(signer)
        return _account(await self._read(signer, url), url)

    async def update_account(self, signer: Signer, contact: Sequence[str]) -> Account:
        """The account with its contact URLs replaced (section 7.3.2)."""
        return await self._change(signer, {"contact": list(contact)})

    async def agree_to_terms(self, signer: Signer) -> Account:
        """The account, having agreed to the terms that the directory names (section 7.3.3).

        Section 7.1.2 lets only newAccount carry the agreement: CAs may take it from here, too, or
        pass over it and want their link to be visited.
        """
        return await self._change(signer, {"termsOfServiceAgreed": True})

    async def deactivate_account(self, signer: Signer) -> Account:
        """The account, deactivated for ever (section 7.3.6).

        `retries.surely_undone` tells of an error whether the account is certainly as it was.
        """
        return await self._change(signer, {"status": "deactivated"}, repeatable=False)

    async def roll_key(self, signer: Signer, new_key: PrivateKey) -> Signer:
        """What signs from now on: the account has `new_key` instead of its old one (section 7.3.5).

        Keep both keys until this returns. After ResponseLost or CaUnreachable either may be in
        force, and `key_in_force` tells later; after any other error it is the old one. Rolling to
        the key the account has already succeeds. Raises AcmeError, also where another account has
        that key or the CA does not offer to roll.
        """
        account_url = _account_url(signer)

        async def change(url: str) -> Reply:
            payload = key_change(signer.key, new_key, account_url=account_url, url=url)
            return await self._post(signer, url, payload, repeatable=False)

        try:
            await self._at(lambda directory: directory.key_change, "key rollover", change)
        except AcmeError as error:
            if error.problem is not None and error.problem.type == "kmtui:not-offered":
                raise
            # This request's answer may be lost, or that of an earlier one that it repeats.
            if await self._key_in_force(account_url, new_key, signer.key, error) is not new_key:
                _tell_conflict(error)
                raise
        return Signer(new_key, account_url)

    async def key_in_force(self, account_url: str, *keys: PrivateKey) -> PrivateKey | None:
        """Which of the keys the account has at the CA; None when it has none of them.

        Nothing is changed by asking. Raises AcmeError, CaUnreachable when the CA does not tell.
        """
        for key in keys:
            if await self._has_key(account_url, key):
                return key
        return None

    async def _has_key(self, account_url: str, key: PrivateKey) -> bool:
        try:
            return (await self.find_account(key)).url == account_url
        except AcmeError as error:
            told = error.problem.short_type if error.problem else ""
            if told == "accountDoesNotExist":
                return False
            if told != "externalAccountRequired":
                raise
        # A CA that wants a binding even for that: whoever has the key may read the account.
        try:
            await self.account(Signer(key, account_url))
        except CaUnreachable:
            raise
        except AcmeError:
            return False
        return True

    async def _key_in_force(
        self, account_url: str, new_key: PrivateKey, old_key: PrivateKey, after: AcmeError
    ) -> PrivateKey | None:
        """The same, where not knowing means that the change may have been carried out."""
        try:
            return await self.key_in_force(account_url, new_key, old_key)
        except CaUnreachable:
            raise
        except AcmeError as error:
            said = f"{after.message}; asked for the key in force, the CA said: {error.message}"
            raise unreachable("kmtui:response-lost", said, where=account_url) from error

    async def _change(
        self, signer: Signer, payload: dict[str, Any], *, repeatable: bool = True
    ) -> Account:
        url = _account_url(signer)
        return _account(await self._post(signer, url, payload, repeatable=repeatable), url)

    async def _register(
        self, key: PrivateKey, payload: dict[str, Any], eab: ExternalAccount | None
    ) -> Account:
        async def register(url: str) -> Reply:
            binding = {"externalAccountBinding": eab.binding(key, url=url)} if eab else {}
            return await self._post(Signer(key), url, payload | binding, repeatable=True)

        reply = await self._at(lambda directory: directory.new_account, "accounts", register)
        # 201 is a new account, 200 one that existed (section 7.3.1).
        return _account(reply, self._location(reply, "account"), created=reply.status == 201)


def _account(reply: Reply, url: str, *, created: bool = False) -> Account:
    # Some CAs confirm an account with an empty body: its URL is all that matters.
    raw = reply.json_object("account") if reply.body.strip() else {}
    return Account.parse(raw, url=url, created=created)


def _account_url(signer: Signer) -> str:
    if signer.kid is None:
        raise ValueError("this request needs a signer with an account URL")
    return signer.kid


def _tell_conflict(error: AcmeError) -> None:
    """Raise a conflict as what it means for a rollover."""
    problem = error.problem
    if problem is not None and problem.http_status == 409:
        # Section 7.3.5: 409 and a Location name the account that has the new key.
        told = own_problem("kmtui:key-in-use", problem.where, where=problem.where)
        raise refusal(told) from error
