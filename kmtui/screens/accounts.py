"""Accounts (mode 3): the registrations at CAs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import Account
from kmtui.screens.account import AccountScreen, account_facts
from kmtui.screens.formpage import FormPage
from kmtui.screens.new_account import NewAccountScreen
from kmtui.screens.setuplist import SetupList
from kmtui.status import Cell, status_cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row


class AccountsScreen(SetupList):
    """Who we are at each CA."""

    MODE = "accounts"
    NOUN = ("account", "accounts")
    EMPTY = "No accounts yet. n registers one; a CA's staging has generous limits: begin there."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("ACCOUNT", 12, 24, flex=1, sort="name"),
        Column("CA", 16, 28, flex=2, sort="ca", drop=1),
        Column("STATUS", 11, sort="status"),
        Column("CERTS", 5, align="right", sort="certificates"),
        Column("CONTACT", 14, 40, flex=2, drop=2),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "sort", "open", "new", "test", "copy", "lock", "leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("test", show=False)]

    async def rows(self) -> list[Row]:
        titles = {ca.name: ca.title for ca in await self.core.cas.all()}
        return [
            _row(account, titles.get(account.ca, account.ca))
            for account in await self.core.accounts.all()
        ]

    def new_form(self) -> FormPage:
        return NewAccountScreen()

    def detail(self, row: Row, *, test: bool = False) -> AccountScreen:
        return AccountScreen(row.data.id, row.data.name, test=test)

    def facts(self, row: Row) -> Sequence[Fact]:
        return account_facts(row.data, row.cells[1][0])

    def line(self, row: Row) -> Sequence[Cell]:
        account: Account = row.data
        return [(account.directory_url, "muted"), (f"  {account.email or ''}", "")]


def _row(account: Account, ca: str) -> Row:
    cells: tuple[Cell, ...] = (
        (account.name, ""),
        (ca, ""),
        status_cell(account.status),
        (str(account.certificates), "" if account.certificates else "muted"),
        (account.email or "", ""),
    )
    return Row(account.id, cells, account.status, account)
