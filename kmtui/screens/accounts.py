"""Accounts (mode 3): the registrations at CAs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, bindings
from kmtui.model import Account, Authority, Contact
from kmtui.screens.account import AccountScreen, account_facts
from kmtui.screens.account_acts import AccountActs, against_account
from kmtui.screens.account_forms import EmailForm
from kmtui.screens.add_account import AddAccountScreen
from kmtui.screens.authority_sheet import answers_word
from kmtui.screens.formpage import FormPage
from kmtui.screens.new_account import NewAccountScreen
from kmtui.screens.setuplist import SetupList
from kmtui.status import Cell, status_cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row


class AccountsScreen(SetupList, AccountActs):
    """Who we are at each CA."""

    MODE = "accounts"
    NOUN = ("account", "accounts")
    EMPTY = "No accounts yet. n registers one (staging first), A adds one by its key."
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("ACCOUNT", 12, 24, flex=1, sort="name"),
        Column("CA", 16, 28, flex=2, sort="ca", drop=1),
        Column("STATUS", 11, sort="status"),
        Column("CERTS", 5, align="right", sort="certificates"),
        Column("CONTACT", 14, 40, flex=2, drop=2),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "open", "new", "add_existing", "edit", "test", "roll_key", "delete"),
        *("deactivate", "authorities", "export", "agree", "filter", "sort", "lock", "leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("add_existing", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._cas: dict[str, Authority] = {}

    async def rows(self) -> list[Row]:
        self._cas = {ca.name: ca for ca in await self.core.cas.all()}
        heard = await self.core.cas.contacts.all()
        return [
            _row(account, self._cas.get(account.ca), heard.get(account.ca))
            for account in await self.core.accounts.all()
        ]

    def new_form(self) -> FormPage:
        return NewAccountScreen()

    def edit_form(self, row: Row) -> FormPage:
        return EmailForm(row.data)

    def detail(self, row: Row, *, test: bool = False) -> AccountScreen:
        return AccountScreen(row.data.id, row.data.name, test=test)

    @property
    def account(self) -> Account | None:
        return self.table.row.data if self.table.row else None

    def impossible(self, key: str) -> str:
        if key in _OF_ROW and self.table.row is None:
            return f"{KEYS[key].word}: there is no account yet"
        return super().impossible(key)

    def against(self, key: str, row: Row) -> str:
        access = self.core.access
        return against_account(
            key,
            row.data,
            self._cas.get(row.data.ca),
            locked=access.locked,
            read_only=access.read_only,
        )

    def action_add_existing(self) -> None:
        form = AddAccountScreen()

        def find(_: None) -> None:
            if form.made:
                self.table.select(form.made)

        self.app.push_screen(form, find)

    def action_delete(self) -> None:
        AccountActs.action_delete(self)

    def facts(self, row: Row) -> Sequence[Fact]:
        return account_facts(row.data, row.cells[1][0])

    def line(self, row: Row) -> Sequence[Cell]:
        account: Account = row.data
        return [(account.directory_url, "muted"), (f"  {account.email or ''}", "")]


_OF_ROW = frozenset({"edit", "export", "test", "roll_key", "delete", "deactivate", "agree"})


def _row(account: Account, ca: Authority | None, contact: Contact | None) -> Row:
    cells: tuple[Cell, ...] = (
        (account.name, ""),
        _ca_cell(ca, contact) if ca else (account.ca, ""),
        status_cell(account.status),
        (str(account.certificates), "" if account.certificates else "muted"),
        (account.email or "", ""),
    )
    return Row(account.id, cells, account.status, account)


def _ca_cell(ca: Authority, contact: Contact | None) -> Cell:
    """The CA; one that ended its service, or has not answered for days, says so."""
    word = answers_word(ca, contact)
    if word not in ("silent", "retired"):
        return ca.title, ""
    return f"{ca.title} ({word})", status_cell(word)[1]
