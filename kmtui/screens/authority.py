"""One CA: what is known of it, whether it answers, and what is registered there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, bindings
from kmtui.model import Account, Authority, CheckLine
from kmtui.screens.authority_sheet import answers_fact, authority_facts
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.detailpage import DetailPage
from kmtui.screens.setuplist import ask_to_delete
from kmtui.screens.tasks import Work
from kmtui.status import status_cell
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core


class AuthorityScreen(DetailPage):
    """The sheet of one CA; ``t`` asks it for its directory, whose words stand on top then."""

    ROOT = "CAs"
    LABEL_WIDTH = 13
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "test", "delete", "copy", "last_error", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("delete", show=False)]
    _authority: Authority | None = None
    _accounts: Sequence[Account] = ()

    async def facts(self) -> Sequence[Fact]:
        authority = self._authority = await self.core.cas.get(self.thing)
        heard = await self.core.cas.contacts.all()
        self._accounts = [
            account for account in await self.core.accounts.all() if account.ca == authority.name
        ]
        answers = answers_fact(authority, heard.get(authority.name))
        return [*authority_facts(authority, answers), *_account_facts(self._accounts)]

    async def test(self) -> Sequence[CheckLine]:
        return await self.core.cas.check(self.thing)

    def against(self, key: str) -> str:
        if self._authority is None:
            return ""
        return against_authority(key, self._authority, len(self._accounts))

    def action_delete(self) -> None:
        if self._authority is not None:
            deletion = authority_deletion(self.core, self._authority)
            ask_to_delete(self, *deletion, then=self.action_back)


def against_authority(key: str, authority: Authority, accounts: int) -> str:
    """Why a key can do nothing to this CA now; empty when it can."""
    if key != "delete":
        return ""
    word = KEYS[key].word
    if authority.state != "custom":
        return f"{word}: {authority.title} belongs to the catalogue"
    if accounts:
        what = "an account is" if accounts == 1 else f"{accounts} accounts are"
        return f"{word}: {what} registered there"
    return ""


def authority_deletion(core: Core, authority: Authority) -> tuple[str, str, Callable[[], Work]]:
    """Name, consequence and doing of a removal."""
    after = (
        "The CA of that name in the catalogue is back."
        if authority.overrides
        else "n adds it again by its directory URL."
    )
    said = (
        f"The CA {authority.name} goes from kmtui: {authority.directory_url}\n"
        f"No account is registered there; nothing changes at the CA itself. {after}"
    )
    return authority.name, said, lambda: core.cas.remove(authority.name)


def _account_facts(accounts: Sequence[Account]) -> list[Fact]:
    if not accounts:
        return [("Accounts", ("none here", "muted"))]
    return [
        (
            "Accounts" if at == 0 else CONTINUED,
            (
                f"{account.name}  {account.status}, {account.certificates} certificates",
                status_cell(account.status)[1] if account.status != "valid" else "",
            ),
        )
        for at, account in enumerate(accounts)
    ]
