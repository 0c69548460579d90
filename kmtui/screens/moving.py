"""Move: certificates issued anew at another CA. What fits there is told of each before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from kmtui.bindings import screen_bindings
from kmtui.core.abilities import Finding
from kmtui.core.errors import KmtuiError
from kmtui.core.moving import Move, Removal
from kmtui.model import Account, Authority
from kmtui.screens.confirm import Confirm
from kmtui.screens.here import with_keys
from kmtui.screens.messages import Changed
from kmtui.screens.moves import Moving
from kmtui.screens.page import Page
from kmtui.screens.renewal_words import listed
from kmtui.screens.request_keys import vault_reason
from kmtui.status import Cell
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.fields import FieldSpec, Options
from kmtui.widgets.form import Form
from kmtui.widgets.rows import Column, ListSource, Row
from kmtui.widgets.rowtable import RowTable

NO_ACCOUNT = "No account at a CA that issues. esc, then 3 and n registers one."
NONE_FITS = "none of them can go there: esc, then 3 n registers another account"
NONE_FITS_HERE = "none of them can go there: left and right choose another account"
MARKS = {True: ("+", "good"), False: ("x", "bad"), None: ("-", "warn")}
"""By what a finding means: its glyph and tone."""
MEANS = {True: "fits", False: "no", None: "note"}


class MoveScreen(Page):
    """The account they are to go to, and below it each certificate: does it fit there?"""

    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("move")]
    KEY_LINE: ClassVar[tuple[str, ...]] = ("send", "back", "last_error")
    AUTO_FOCUS = "Form Choice"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared by Textual
    DEFAULT_CSS = """
    MoveScreen Form { height: 3; }
    MoveScreen #move-body { height: 1fr; layout: vertical; }
    MoveScreen.-wide #move-body { layout: horizontal; }
    MoveScreen #findings { height: auto; max-height: 7; padding: 1 0 0 0; }
    MoveScreen.-wide #findings { width: 46; height: 1fr; max-height: 100%; padding: 0 0 0 2; }
    """

    def __init__(self, ids: Sequence[str], *, hidden: int = 0) -> None:
        """`hidden` of them the filter does not show."""
        super().__init__()
        self.title_line.show_crumbs("Certificates", "Move to another CA")
        self._ids = tuple(ids)
        self._hidden = hidden
        self._removal: Removal | None = None
        self._offered = 0
        """How many accounts there are to choose from."""
        self.form = Form(
            [
                FieldSpec(
                    name="account",
                    label="To account",
                    kind="choice",
                    help="Left and right choose; tab goes to the list. Nothing is asked for yet.",
                )
            ]
        )
        self.table = RowTable(
            (
                Column("NAME", 22, 40, flex=1, middle=True),
                Column("NAMES", 5, align="right"),
                Column("FITS", 4),
                Column("WHY", 24, flex=3),
            ),
            empty="Looking what fits there…",
            markable=False,
        )
        self.findings = Details(id="findings", label_width=7)
        self.findings.can_focus = False

    def body(self) -> ComposeResult:
        yield self.form
        yield self.status_line
        with Container(id="move-body"):
            yield self.table
            yield self.findings

    # Reading

    async def ready(self) -> None:
        if not self.form.text("account"):
            self.start(self._fill(), "move")

    async def changed(self, message: Changed) -> None:
        """What is being chosen is not taken away."""

    async def _fill(self) -> None:
        """Offer the accounts they can go to, first one where none of them is."""
        authorities = {each.name: each for each in await self.core.cas.all()}
        rows = [await self.core.certificates.get(each) for each in self._ids]
        offered = account_choices(await self.core.accounts.all(), authorities)
        if not self.is_attached:
            return
        if not offered:
            self.table.empty = NO_ACCOUNT
            self.table.reload(ListSource())
            return
        self._offered = len(offered)
        here = {row.ca for row in rows}
        first = next((name for name, _, ca in offered if ca not in here), offered[0][0])
        self.form.set_options("account", _options(offered), first)
        self._look()

    def on_form_changed(self) -> None:
        self.say("")  # it was about the account before
        self._look()

    def _look(self) -> None:
        self._removal = None
        self.status_line.tell(counts=[("looking what fits there…", "working")], position="")
        self.start(self._plan(self.form.text("account")), "move")

    async def _plan(self, account: str) -> None:
        """Hold each against what the CA is known to take; the CA is asked for profiles alone."""
        try:
            removal = await self.core.moves.plan(self._ids, account)
        except KmtuiError as error:
            if self.is_open and account == self.form.text("account"):
                self.status_line.tell(counts=[("not known: ! tells why", "bad")])
                self.form.check([(error.message, "bad")])
            raise
        if not self.is_open or account != self.form.text("account"):
            return
        self._removal = removal
        self.status_line.tell(counts=_counts(removal, self._hidden))
        self.table.reload(ListSource(_row(move) for move in removal.moves), top=True)
        fitting = len(_fitting(removal))
        self.form.check(
            [(f"ctrl+s moves {fitting} to {removal.authority.title}", "good")]
            if fitting
            else [(NONE_FITS_HERE if self._offered > 1 else NONE_FITS, "bad")]
        )
        self.refresh_bindings()

    # Showing

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        self.status_line.tell(position=self.table.position)
        self.findings.show(finding_facts(event.row.data) if event.row else ())

    def copied(self) -> str:
        return self.findings.text

    # Keys

    def impossible(self, key: str) -> str:
        if key != "send":
            return ""
        if self._removal is None:
            return "move: what fits there is not known yet"
        if not _fitting(self._removal):
            return "move: none of them can go there"
        return vault_reason(self.core, key)

    def action_send(self) -> None:
        """Ask, and move what fits."""
        if (removal := self._removal) is None:
            return
        facts = _question(removal, self._hidden)
        title = f"MOVE {len(_fitting(removal))} to {removal.account.name}"
        panel = Confirm(title, facts, verb="move", otherwise="leave them")
        self.app.push_screen(panel, lambda yes: self._move(removal) if yes else None)

    def _move(self, removal: Removal) -> None:
        """Leave; the work is told about on the page before."""
        before = self.app.screen_stack[-2]
        self.dismiss(None)
        if isinstance(before, Page):
            Moving(before).move(removal)


def account_choices(
    accounts: Sequence[Account], authorities: dict[str, Authority]
) -> list[tuple[str, str, str]]:
    """Accounts that can ask for certificates: name, what is shown, CA."""
    found = []
    for account in accounts:
        authority = authorities.get(account.ca)
        if account.status == "valid" and authority is not None and authority.retired is None:
            found.append((account.name, f"{account.name} · {authority.title}", account.ca))
    return found


def _options(offered: Sequence[tuple[str, str, str]]) -> Options:
    return tuple((name, shown) for name, shown, _ in offered)


def _fitting(removal: Removal) -> list[Move]:
    return [move for move in removal.moves if move.obstacle is None]


def _refused(removal: Removal) -> list[Move]:
    return [move for move in removal.moves if move.obstacle is not None]


def _counts(removal: Removal, hidden: int) -> list[Cell]:
    counts: list[Cell] = []
    if fitting := _fitting(removal):
        counts.append((f"{len(fitting)} fit", "good"))
    if refused := _refused(removal):
        counts.append((f"{len(refused)} do not" if len(refused) > 1 else "1 does not", "bad"))
    if hidden:
        counts.append((f"{hidden} hidden by the filter", "warn"))
    return counts


def _row(move: Move) -> Row:
    obstacle = move.obstacle
    certificate = move.certificate
    cells: tuple[Cell, ...] = (
        (certificate.name, ""),
        (str(len(certificate.names)), "muted"),
        ("no", "bad") if obstacle else ("yes", "good"),
        _why(move),
    )
    return Row(certificate.id, cells, "failed" if obstacle else "ok", move)


def _why(move: Move) -> Cell:
    """The obstacle; else what is worth knowing, or how its names are proved."""
    if move.obstacle is not None:
        return move.obstacle.text, "bad"
    notes = [each.text for each in move.findings if each.ok is None]
    return ("; ".join(notes), "warn") if notes else (move.findings[-1].text, "muted")


def finding_facts(move: Move) -> list[Fact]:
    """Everything that was looked at, a word before each."""
    facts: list[Fact] = [("", (move.certificate.name, "strong"))]
    facts += [_fact(each) for each in move.findings]
    return [*facts, *(_hint(each) for each in move.findings if each.ok is False and each.hint)]


def _hint(finding: Finding) -> Fact:
    return " ", with_keys(finding.hint)


def _fact(finding: Finding) -> Fact:
    glyph, tone = MARKS[finding.ok]
    return f"{glyph} {MEANS[finding.ok]}", (finding.text, "" if finding.ok else tone)


def _question(removal: Removal, hidden: int) -> list[Fact]:
    """What is going to happen, for the panel."""
    fitting, refused = _fitting(removal), _refused(removal)
    facts: list[Fact] = [
        ("to", f"{removal.account.name} at {removal.authority.title}"),
        ("moved", listed([move.certificate.name for move in fitting])),
    ]
    if refused:
        names = listed([move.certificate.name for move in refused])
        facts.append(("not", (f"{names}: it does not fit there, everything stays", "warn")))
    if hidden:
        facts.append(("hidden", (f"{hidden} of them by the filter", "warn")))
    return [
        *facts,
        ("", ""),
        ("", "Each is issued anew there, then saved and deployed as a renewal is."),
        ("", "Until then the old version serves. The history stays with the certificate."),
    ]
