"""One account: where it is registered, what was agreed to, its key, its certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from kmtui.core.errors import NotFound
from kmtui.model import Account, Authority, Certificate, CheckLine, ListQuery
from kmtui.screens.account_acts import AccountActs, against_account
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.detailpage import DetailPage
from kmtui.status import status_cell, when
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.ledger import Standing

SHOWN = 50
"""Certificates named; the list of mode 1 shows them all under ``account:NAME``."""


class AccountScreen(DetailPage, AccountActs):
    """The sheet of one account; ``t`` asks its CA whether it has the account as it is here."""

    ROOT = "Accounts"
    LABEL_WIDTH = 13
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "edit", "export", "test", "roll_key", "delete", "deactivate", "agree"),
        *("back", "copy", "last_error"),
    )
    _account: Account | None = None
    _ca: Authority | None = None

    async def facts(self) -> Sequence[Fact]:
        account = self._account = await self.core.accounts.get(self.thing)
        authority = self._ca = await self._authority(account)
        return [
            *account_facts(account, authority.title if authority else account.ca),
            *(_limit_facts(await self.core.accounts.standings(account.id)) if authority else ()),
            *(_authority_facts(authority) if authority else ()),
            *_certificate_facts(account, await self._certificates()),
        ]

    async def test(self) -> Sequence[CheckLine]:
        return await self.core.accounts.test(self.thing)

    @property
    def account(self) -> Account | None:
        return self._account

    def gone(self) -> None:
        self.action_back()

    def against(self, key: str) -> str:
        if self._account is None:
            return ""
        access = self.core.access
        return against_account(
            key, self._account, self._ca, locked=access.locked, read_only=access.read_only
        )

    async def _authority(self, account: Account) -> Authority | None:
        try:
            return await self.core.cas.get(account.ca)
        except NotFound:  # left the catalogue since
            return None

    async def _certificates(self) -> list[Certificate]:
        query = ListQuery(
            now=datetime.now(UTC), text=f"account:{self.thing}", sort="name", limit=SHOWN
        )
        return await self.core.certificates.page(query)


def account_facts(account: Account, ca: str) -> list[Fact]:
    """What an account is; `ca` is the CA's title."""
    agreed = when(account.terms_agreed_at) if account.terms_agreed_at else ""
    unconfirmed = "not confirmed yet: n with the same name and CA asks again"
    changing = "being replaced: finished by itself when the CA answers"
    return [
        ("Account", (account.name, "strong")),
        ("Status", status_cell(account.status)),
        ("CA", ca),
        ("Directory", account.directory_url),
        ("URL", account.account_url or (unconfirmed, "warn")),
        ("Contact", account.email or ("none", "muted")),
        ("Key", account.key_type),
        *([(CONTINUED, (changing, "warn"))] if account.key_changing else []),
        ("Thumbprint", account.key_thumbprint),
        ("Terms", account.terms_url or ("none known here", "muted")),
        *([("Agreed", agreed)] if agreed else []),
        ("Here since", when(account.created_at)),
    ]


def _limit_facts(standings: Sequence[Standing]) -> list[Fact]:
    """How far the limits that are counted for the account are used up."""
    return [
        (
            "In use" if at == 0 else CONTINUED,
            (f"{each}; free again {when(each.free_at)}", "warn") if each.free_at else str(each),
        )
        for at, each in enumerate(standings)
    ]


def _authority_facts(authority: Authority) -> list[Fact]:
    sentences = [*authority.limits, *authority.notes]
    return [("Limits" if at == 0 else CONTINUED, text) for at, text in enumerate(sentences)]


def _certificate_facts(account: Account, found: Sequence[Certificate]) -> list[Fact]:
    if not account.certificates:
        return [("Certificates", ("none yet", "muted"))]
    names = [certificate.name for certificate in found]
    if account.certificates > len(names):
        names.append(f"and {account.certificates - len(names)} more")
    return [("Certificates", f"{account.certificates}: " + ", ".join(names))]
