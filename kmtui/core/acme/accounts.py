"""Account management (RFC 8555 section 7.3): register, find, update, deactivate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kmtui.core.acme.jws import ExternalAccount, PrivateKey, Signer
from kmtui.core.acme.objects import Account
from kmtui.core.acme.problems import violation
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.session import Session


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

    async def deactivate_account(self, signer: Signer) -> Account:
        """The account, deactivated for ever (section 7.3.6)."""
        return await self._change(signer, {"status": "deactivated"})

    async def _change(self, signer: Signer, payload: dict[str, Any]) -> Account:
        url = _account_url(signer)
        return _account(await self._post(signer, url, payload, repeatable=True), url)

    async def _register(
        self, key: PrivateKey, payload: dict[str, Any], eab: ExternalAccount | None
    ) -> Account:
        url = (await self.directory()).new_account
        if eab is not None:
            payload["externalAccountBinding"] = eab.binding(key, url=url)
        reply = await self._post(Signer(key), url, payload, repeatable=True)
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
