"""DNS accounts (mode 4): who can publish the records of dns-01."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import DnsAccount
from kmtui.screens.checklines import last_test_cell, last_test_fact, test_word
from kmtui.screens.dns_account import DnsAccountScreen, against_dns_account, dns_deletion
from kmtui.screens.dns_form import DnsForm
from kmtui.screens.formpage import FormPage
from kmtui.screens.mappings import MappingsScreen, Place
from kmtui.screens.setuplist import SetupList
from kmtui.screens.tasks import Work
from kmtui.status import Cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row


class DnsScreen(SetupList):
    """The DNS accounts, their last test, and how many mappings lead to each."""

    MODE = "dns"
    NOUN = ("DNS account", "DNS accounts")
    EMPTY = "No DNS accounts yet. n adds one: dns-01 and wildcards need it."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 12, 24, flex=1, sort="name"),
        Column("PROVIDER", 14, 24, flex=1, sort="provider", drop=2),
        Column("ZONES", 18, 36, flex=2, sort="zones", drop=1),
        Column("TEST", 12, 40, flex=2),
        Column("USED BY", 7, align="right", sort="used"),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "new", "edit", "test", "map", "delete", "lock", "leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("test", "edit", "map", "delete", show=False)]

    async def rows(self) -> list[Row]:
        titles = {provider.name: provider.title for provider in self.core.dns_accounts.providers()}
        now = datetime.now(UTC)
        return [
            _row(account, titles.get(account.provider, account.provider), now)
            for account in await self.core.dns_accounts.all()
        ]

    def new_form(self) -> FormPage:
        return DnsForm()

    def edit_form(self, row: Row) -> FormPage:
        return DnsForm(row.data)

    def detail(self, row: Row, *, test: bool = False) -> DnsAccountScreen:
        return DnsAccountScreen(row.data.id, row.data.name, test=test)

    def facts(self, row: Row) -> Sequence[Fact]:
        account: DnsAccount = row.data
        return [
            ("Name", (account.name, "strong")),
            ("Provider", row.cells[1][0]),
            ("Zones", "\n".join(account.zones) or "all it can change"),
            ("Used by", f"{account.used_by} mappings" if account.used_by else "no mapping: m"),
            last_test_fact(account),
        ]

    def line(self, row: Row) -> Sequence[Cell]:
        account: DnsAccount = row.data
        return [(", ".join(account.zones), "muted"), (f"  {account.last_test_detail}", "")]

    def against(self, key: str, row: Row) -> str:
        return against_dns_account(key, row.data, locked=self.core.access.locked)

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        return dns_deletion(self.core, row.data)

    def action_map(self) -> None:
        row = self.table.row
        place = Place("dns", row.data.id, row.data.name) if row else None
        self.app.push_screen(MappingsScreen(place))


def _row(account: DnsAccount, provider: str, now: datetime) -> Row:
    more = f" +{len(account.zones) - 1}" if len(account.zones) > 1 else ""
    cells: tuple[Cell, ...] = (
        (account.name, ""),
        (provider, ""),
        (account.zones[0] + more, "") if account.zones else ("all", "muted"),
        last_test_cell(account, now),
        (str(account.used_by), "" if account.used_by else "muted"),
    )
    return Row(account.id, cells, test_word(account), account)
