"""An account is given up at its CA, for ever (RFC 8555 section 7.3.6).

That it is to end is committed before the CA hears of it. When the CA's answer is lost, or the
process, the account stays *deactivating*: nothing is signed with it any more, and whoever looks
next tells the CA again.
"""

from __future__ import annotations

from sqlmodel import Session

from kmtui.core.account_book import DEACTIVATED, DEACTIVATING, VALID
from kmtui.core.acme import Signer, tells_of_deactivation
from kmtui.core.acme.retries import surely_undone
from kmtui.core.errors import AcmeError, Refused
from kmtui.core.rollover import Rollover
from kmtui.core.together import whole
from kmtui.db import accounts as rows
from kmtui.model import Account


class Deactivation(Rollover):
    """Ends accounts."""

    async def deactivate(self, word: str) -> Account:
        """Give the account up at its CA. Its row stays; `renewing` names what renews no more.

        Raises Refused (not valid, requests under way), AcmeError. After ResponseLost it may have
        been carried out: the CA is told again, by itself.
        """
        self._context.access.require_change()
        account = await self.get(word)
        async with self._alone(account):
            account = await self._settled(account)
            if account.status not in (VALID, DEACTIVATING):
                raise Refused(
                    f"account {account.name} is {account.status} at {account.ca}: "
                    "there is nothing to deactivate"
                )

            def intend(session: Session) -> None:
                rows.refuse_under_way(session, account)
                rows.update(session, account.id, status=DEACTIVATING)
                self.note(session, "deactivate", account, "started", account.account_url or "")

            await self._stored(account, intend)
            return await whole(self._end(account))

    async def _end(self, account: Account) -> Account:
        """Tell the CA. The account is valid as before where the CA surely did nothing."""
        signer = Signer(await self.key(account), account.account_url)
        client = await self._cas.client(account.ca)
        try:
            await client.deactivate_account(signer)
        except AcmeError as error:
            if not tells_of_deactivation(error.problem):
                await self._not_ended(account, error)
                raise

        def ended(session: Session) -> None:
            rows.update(session, account.id, status=DEACTIVATED)
            self.note(session, "deactivate", account)

        return await self._stored(account, ended)

    async def _not_ended(self, account: Account, error: AcmeError) -> None:
        status = VALID if surely_undone(error) else DEACTIVATING

        def store(session: Session) -> None:
            rows.update(session, account.id, status=status)
            self.note(session, "deactivate", account, "failed", error.message)

        await self._stored(account, store)
