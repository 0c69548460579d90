"""What an import would bring, thing by thing; and, once it was adopted, what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from kmtui.bindings import KEYS, screen_bindings
from kmtui.core.errors import VaultLocked
from kmtui.core.imports.outcome import Fate, Imported, in_short, key_words
from kmtui.screens.error import ErrorScreen, problem_facts, problem_of
from kmtui.screens.listpage import ListPage
from kmtui.screens.request_keys import LOCKED, vault_reason
from kmtui.screens.setuplist import matches
from kmtui.status import Cell, date
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, ListSource, Row

if TYPE_CHECKING:
    from kmtui.core.imports.found import Found

FATES: dict[str, tuple[str, str, str]] = {
    Fate.NEW: ("new", "ok", "good"),
    Fate.JOINED: ("joins", "ok", "good"),
    Fate.KNOWN: ("here", "never", "muted"),
    Fate.FAILED: ("refused", "failed", "bad"),
}
"""By fate: its word, the status word whose glyph it has, its tone."""
MEANINGS: dict[str, str] = {
    Fate.NEW: "it is not here yet",
    Fate.JOINED: "a certificate that is here gets versions or keys that it lacks",
    Fate.KNOWN: "all of it is here already, and stays as it is",
    Fate.FAILED: "it cannot be imported",
}


class ImportPreview(ListPage):
    """A dry run as a list; ctrl+s adopts what can be."""

    CRUMBS = ("Certificates", "Import", "what would come")
    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("WHAT", 11),
        Column("NAME", 20, 40, flex=2, middle=True),
        Column("OUTCOME", 7),
        Column("VER", 3, align="right"),
        Column("KEY", 9),
        Column("EXPIRES", 10),
        Column("ACCOUNT", 10, 20, flex=1, drop=1),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("import")]
    KEY_LINE: ClassVar[tuple[str, ...]] = (
        *("help", "send", "open", "filter", "copy", "last_error", "back"),
    )

    def __init__(self, found: Found, foreseen: Sequence[Imported]) -> None:
        super().__init__()
        self._found = found
        self._outcomes = tuple(foreseen)
        self._adopting = False
        self.adopted = False
        """Whether it is done."""

    @property
    def said(self) -> str:
        """How it went, in short."""
        return in_short(self._outcomes, foreseen=not self.adopted)

    @property
    def _coming(self) -> int:
        return sum(each.fate in (Fate.NEW, Fate.JOINED) for each in self._outcomes)

    # Showing

    async def ready(self) -> None:
        await super().ready()
        if not self.adopted and self._coming:
            self.say(f"{self.said}: ctrl+s adopts them", "accent")

    def source(self) -> ListSource:
        rows = (_row(at, each) for at, each in enumerate(self._outcomes))
        return ListSource(row for row in rows if matches(row, self.filter_text))

    async def counts(self) -> Sequence[Cell]:
        return [(self.said, "bad" if any(each.error for each in self._outcomes) else "")]

    def facts(self, row: Row) -> Sequence[Fact]:
        each: Imported = row.data
        word, _, tone = FATES[each.fate]
        facts: list[Fact] = [
            ("", (each.name, "strong")),
            ("outcome", (f"{word}: {MEANINGS[each.fate]}", tone)),
            ("from", each.where),
            ("names", "\n".join(each.names)),
            ("account", " · ".join(filter(None, (each.account, each.ca)))),
        ]
        if each.keyless:
            facts.append(("keys", (f"{each.keyless} of {each.versions} come without", "warn")))
        if each.error is not None:
            facts += [("", ""), *problem_facts(problem_of(each.error))]
        return [fact for fact in facts if fact[0] == "" or fact[1]]

    def line(self, row: Row) -> Sequence[Cell]:
        """Why it cannot come, else where it lies."""
        each: Imported = row.data
        if each.error is not None:
            return [(each.error.message, "bad")]
        return [(each.where, "muted")]

    # Keys

    def impossible(self, key: str) -> str:
        if key == "send":
            if self.adopted:
                return "it is done: esc goes back"
            if not self._coming:
                return "there is nothing new to adopt"
            if reason := vault_reason(self.core, key):
                return reason
        if key == "open" and (row := self.table.row) is not None and row.data.error is None:
            opens = self.adopted and row.data.id and row.data.kind == "certificate"
            return "" if opens else f"{KEYS[key].word}: it is opened once it came"
        return ""

    def open_row(self, row: Row) -> None:
        each: Imported = row.data
        if each.error is not None:
            self.app.push_screen(ErrorScreen(f"import {each.name}", problem_of(each.error)))
        elif reason := self.impossible("open"):
            self.say(reason, "warn")
        else:
            from kmtui.screens.certificate import CertificateScreen

            self.app.push_screen(CertificateScreen(each.id or ""))

    def action_send(self) -> None:
        if not self._adopting:
            self._adopting = True
            self.say("adopting…", "working")
            self.start(self._adopt(), "import")

    async def _adopt(self) -> None:
        try:
            self._outcomes = tuple(await self.core.imports.carry_out(self._found))
        except VaultLocked:
            if not self.is_open:
                raise
            self.say(LOCKED, "warn")
            return
        finally:
            self._adopting = False
        self.adopted = True
        if not self.is_open:
            self.tell(f"import: {self.said}", "good")
            return
        self.title_line.show_crumbs("Certificates", "Import", "what came")
        self.say(self.said, "bad" if any(each.error for each in self._outcomes) else "good")
        self._read()
        self.refresh_bindings()


def _row(at: int, each: Imported) -> Row:
    word, status, tone = FATES[each.fate]
    cells: tuple[Cell, ...] = (
        (each.kind, "muted"),
        (each.name, ""),
        (word, tone),
        (str(each.versions or ""), ""),
        (key_words(each), "warn" if each.keyless else ""),
        (date(each.not_after) if each.not_after else "", ""),
        (each.account or "", "muted"),
    )
    return Row(str(at), cells, status, each)
