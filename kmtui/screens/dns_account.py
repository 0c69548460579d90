"""One DNS account: its fields, its zones, the mappings that lead to it, its test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import CheckLine, DnsAccount
from kmtui.screens.checklines import last_test_fact
from kmtui.screens.detailpage import DetailPage, mapping_facts, setting_facts
from kmtui.screens.dns_form import DnsForm
from kmtui.screens.mappings import MappingsScreen, Place
from kmtui.screens.request_keys import LOCKED
from kmtui.screens.setuplist import ask_to_delete
from kmtui.screens.tasks import Work
from kmtui.status import when
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core


class DnsAccountScreen(DetailPage):
    """The sheet of one DNS account; the lines of a test stand on top."""

    ROOT = "DNS"
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "test", "edit", "map", "delete", "copy", "last_error", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("edit", "map", "delete", show=False)]
    _account: DnsAccount | None = None

    async def facts(self) -> Sequence[Fact]:
        from kmtui.core.dns.settings import all_fields

        account = self._account = await self.core.dns_accounts.get(self.thing)
        used = await self.core.dns_accounts.used_by(account.id)
        provider = next(
            (each for each in self.core.dns_accounts.providers() if each.name == account.provider),
            None,
        )
        fields = all_fields(provider) if provider else ()
        return [
            ("Name", (account.name, "strong")),
            ("Provider", provider.title if provider else account.provider),
            last_test_fact(account),
            ("Zones", "\n".join(account.zones) or "all it can change"),
            *mapping_facts(used),
            *setting_facts(
                [field for field in fields if field.name != "zones"],
                account.settings,
                account.secret_names,
            ),
            *([("Least right", provider.least_right)] if provider else []),
            ("Added", when(account.created_at)),
        ]

    async def test(self) -> Sequence[CheckLine]:
        return await self.core.dns_accounts.test(self.thing)

    def against(self, key: str) -> str:
        account = self._account
        if account is None:
            return ""
        return against_dns_account(key, account, locked=self.core.access.locked)

    def action_edit(self) -> None:
        if self._account is not None:
            self.app.push_screen(DnsForm(self._account))

    def action_map(self) -> None:
        self.app.push_screen(MappingsScreen(Place("dns", self.thing, self.name_shown)))

    def action_delete(self) -> None:
        if self._account is not None:
            ask_to_delete(self, *dns_deletion(self.core, self._account), then=self.action_back)


def against_dns_account(key: str, account: DnsAccount, *, locked: bool) -> str:
    """Why a key can do nothing to this account now; empty when it can."""
    if key == "test" and locked and account.secret_names:
        return f"test: {LOCKED}"
    if key == "delete" and account.used_by:
        return f"delete: mappings lead to it ({account.used_by}): m shows them"
    return ""


def dns_deletion(core: Core, account: DnsAccount) -> tuple[str, str, Callable[[], Work]]:
    """Name, consequence and doing of a deletion."""
    said = (
        f"The DNS account {account.name} and its stored secrets go from kmtui.\n"
        "Nothing changes at the provider. There is no undo."
    )
    return account.name, said, lambda: core.dns_accounts.delete(account.id)
