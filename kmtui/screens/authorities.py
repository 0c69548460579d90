"""CAs: which there are, which of them answer, and what is registered and issued there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import bindings
from kmtui.model import Authority, Contact
from kmtui.screens.authority import AuthorityScreen, against_authority, authority_deletion
from kmtui.screens.authority_form import AuthorityForm
from kmtui.screens.authority_sheet import answers_fact, answers_word, authority_facts, limits_word
from kmtui.screens.formpage import FormPage
from kmtui.screens.setuplist import SetupList
from kmtui.screens.tasks import Work
from kmtui.status import Cell, status_cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from kmtui.core.core import Core


@dataclass(frozen=True, slots=True)
class Known:
    """A CA, and what there is of it here."""

    authority: Authority
    contact: Contact | None
    accounts: int
    certificates: int


class AuthoritiesScreen(SetupList):
    """The catalogue, and the CAs that were added by their directory URL."""

    CRUMBS = ("Accounts", "CAs")
    NOUN = ("CA", "CAs")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 19, 24, sort="name"),
        Column("STATUS", 8, sort="status"),
        Column("ENV", 4, sort="environment"),
        Column("LIMITS", 18, 29, flex=1, drop=1, sort="limits"),
        Column("ACCTS", 5, align="right", sort="accounts"),
        Column("CERTS", 5, align="right", sort="certificates"),
        Column("DIRECTORY", 24, 60, flex=3, drop=2, middle=True, sort="directory"),
    )
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "filter", "open", "new", "test", "delete", "sort", "copy", "last_error", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("test", "delete", show=False)]

    async def rows(self) -> list[Row]:
        return [_row(known) for known in await known_authorities(self.core)]

    async def counts(self) -> Sequence[Cell]:
        rows = await self.rows()
        words = Counter(row.status for row in rows)
        told = [
            (f"{words[word]} {word}", status_cell(word)[1])
            for word in ("silent", "failing", "retired")
            if words[word]
        ]
        return [(f"{len(rows)} CAs", ""), *told]

    def new_form(self) -> FormPage:
        return AuthorityForm()

    def detail(self, row: Row, *, test: bool = False) -> AuthorityScreen:
        return AuthorityScreen(row.key, row.data.authority.title, test=test)

    def facts(self, row: Row) -> Sequence[Fact]:
        known: Known = row.data
        return [
            *authority_facts(known.authority, answers_fact(known.authority, known.contact)),
            ("Here", here_word(known)),
        ]

    def line(self, row: Row) -> Sequence[Cell]:
        known: Known = row.data
        about: list[Cell] = [(known.authority.title, "muted")]
        if known.contact and known.contact.failing_since:
            return [*about, (f"  {known.contact.error}", "bad")]
        return [*about, (f"  {known.authority.directory_url}", "muted")]

    def against(self, key: str, row: Row) -> str:
        return against_authority(key, row.data.authority, row.data.accounts)

    def deletion(self, row: Row) -> tuple[str, str, Callable[[], Work]]:
        return authority_deletion(self.core, row.data.authority)


async def known_authorities(core: Core) -> list[Known]:
    """Every CA, with what was heard of it and what is registered there."""
    heard = await core.cas.contacts.all()
    registered: Counter[str] = Counter()
    issued: Counter[str] = Counter()
    for account in await core.accounts.all():
        registered[account.ca] += 1
        issued[account.ca] += account.certificates
    return [
        Known(ca, heard.get(ca.name), registered[ca.name], issued[ca.name])
        for ca in await core.cas.all()
    ]


def here_word(known: Known) -> str | Cell:
    """What is registered and issued there, in words."""
    if not known.accounts:
        return "no account", "muted"
    accounts = "1 account" if known.accounts == 1 else f"{known.accounts} accounts"
    one = known.certificates == 1
    return f"{accounts}, {known.certificates} {'certificate' if one else 'certificates'}"


def _row(known: Known) -> Row:
    ca = known.authority
    word = answers_word(ca, known.contact)
    cells: tuple[Cell, ...] = (
        (ca.name, ""),
        status_cell(word),
        ("test", "muted") if ca.test else ("live", ""),
        (limits_word(ca), ""),
        (str(known.accounts), "" if known.accounts else "muted"),
        (str(known.certificates), "" if known.certificates else "muted"),
        (ca.directory_url, "muted"),
    )
    return Row(ca.name, cells, word, known)
