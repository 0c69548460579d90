"""Terms of service that changed: read and agreed to once, and what waited for that goes on.

A CA that wants agreement refuses what an account asks for, with a link (RFC 8555 section 7.3.3).
Such a refusal fails the request and is a human's to mend.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from kmtui.core.accounts import Accounts
from kmtui.core.acme import AcmeClient, Signer, asks_for_agreement
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import AcmeError, CaUnreachable, KmtuiError, Refused
from kmtui.core.events import AccountChanged
from kmtui.core.requests import Requests
from kmtui.db import accounts as rows
from kmtui.db import requests
from kmtui.model import Account, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a CA asks an account to agree to."""

    url: str
    """The terms of service as its directory names them now, else the first of `links`."""
    agreed: str | None
    """What was agreed to before, as far as is known here."""
    links: tuple[str, ...] = ()
    """Where the CA wants a human to go, beside the terms."""
    requests: tuple[Request, ...] = ()
    """What waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What goes on after an agreement, and what does not."""

    requests: tuple[Request, ...] = ()
    """Under way again: as new attempts, or from where they stood."""
    refused: tuple[tuple[Request, KmtuiError], ...] = ()


class Terms:
    """The terms of service of accounts."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        requests_: Requests,
    ) -> None:
        self._context = context
        self._cas = cas
        self._accounts = accounts
        self._requests = requests_

    async def asked(self, word: str) -> Asked:
        """What the account's CA wants agreement to, asked now. Raises Refused when to nothing."""
        account = await self._accounts.get(word)
        terms = (await self._cas.directory(account.ca)).meta.terms_of_service
        waiting = await self._waiting(account)
        links = {each.problem.instance for each in waiting if each.problem} - {"", terms}
        url = terms or min(links, default="")
        if not url:
            raise Refused(f"the CA of {account.name} names no terms of service")
        return Asked(
            url=url,
            agreed=account.terms_url,
            links=tuple(sorted(links)),
            requests=tuple(waiting),
        )

    async def agree(self, word: str, url: str) -> Agreed:
        """Agree to the terms at `url`, as they were `asked` for, and take up what waited for it.

        The CA is told, where it listens: others want their link to be visited, and go on refusing
        until it was. Raises Refused when the terms are others by now, AcmeError.
        """
        self._context.access.require_change()
        account = await self._accounts.get(word)
        asked = await self.asked(account.id)
        if asked.url != url:
            raise Refused(
                f"the terms of service are others by now: {asked.url}",
                hint="read them, then agree to those",
            )
        await self._tell(account, url)
        going, refused = [], []
        for request in asked.requests:
            try:
                going.append(await self._requests.retry(request.id))
            except KmtuiError as error:
                refused.append((request, error))
        return Agreed(requests=tuple(going), refused=tuple(refused))

    async def _waiting(self, account: Account) -> list[Request]:
        """The last request of each certificate, where it was refused for want of agreement."""
        found = await self._context.db.read(
            lambda session: requests.last_stopped(session, account.id)
        )
        return [request for request in found if asks_for_agreement(request.problem)]

    async def _tell(self, account: Account, url: str) -> None:
        client = await self._cas.client(account.ca)
        signer = await self._accounts.signer(account)
        async with self._accounts.on_record("agree", account, url):
            await _told(client, signer)

            def store(session: Session) -> None:
                now = self._context.clock()
                rows.update(session, account.id, terms_url=url, terms_agreed_at=now)
                self._accounts.note(session, "agree", account, detail=url)

            await self._context.db.write(store)
        self._context.bus.publish(AccountChanged(account.id))


async def _told(client: AcmeClient, signer: Signer) -> None:
    """Tell the CA. One that only refuses to be told this way is left with what it asks for next."""
    try:
        await client.agree_to_terms(signer)
    except CaUnreachable:
        raise
    except AcmeError as error:
        if asks_for_agreement(error.problem) or not _not_this_way(error):
            raise


def _not_this_way(error: AcmeError) -> bool:
    """RFC 8555 section 7.1.2: an account's agreement cannot be updated, some CAs insist."""
    return error.problem is not None and error.problem.short_type == "malformed"
