"""Two versions of a certificate side by side: every field, and in words what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from kmtui.bindings import screen_bindings
from kmtui.core.comparison import Difference
from kmtui.model import Version
from kmtui.screens.page import Page
from kmtui.status import Cell, date, status_cell, version_status
from kmtui.widgets.details import Details, Fact
from kmtui.widgets.rows import Column, ListSource, Row
from kmtui.widgets.rowtable import RowTable

TONES = {"same": "muted", "changed": "warn", "gone": "bad", "new": "good"}
"""What became of a field, and its tone."""
LABEL_WIDTH = 7


def change_word(each: Difference) -> str:
    """What became of a field from the older version to the newer one."""
    if not each.differs:
        return "same"
    if not each.one:
        return "new"
    return "changed" if each.other else "gone"


class DiffScreen(Page):
    """What differs comes first; ``d`` takes the next older version to compare with."""

    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("diff")]
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "diff", "copy", "last_error", "back")
    DEFAULT_CSS = """
    DiffScreen #both { height: auto; max-height: 8; padding: 1 0 0 0; }
    """

    def __init__(self, certificate_id: str, number: int) -> None:
        """`number` is the version to lay beside the one before it."""
        super().__init__()
        self.title_line.show_crumbs("Certificates", "…", "diff")
        self._certificate_id = certificate_id
        self._number = number
        self._others: list[Version] = []
        self._shown: Version | None = None
        self._before: Version | None = None
        self._found: list[Difference] = []
        self.table = RowTable(_columns(), empty="Reading both…", markable=False)
        self.both = Details(id="both", label_width=LABEL_WIDTH)
        self.both.can_focus = False  # the keys are for the table

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self.table
        yield self.both

    # Reading

    async def ready(self) -> None:
        if self._shown is None:
            self.start(self._read(), "diff")

    async def _read(self) -> None:
        """The version itself, and those to compare it with: from the one before it downwards."""
        history = await self.core.certificates.history(self._certificate_id)
        self._shown = next(each for each in history if each.number == self._number)
        older = [each for each in history if each.number < self._number]
        newer = [each for each in history if each.number > self._number]
        self._others = [*older, *reversed(newer)]
        await self._compare(self._others[0])

    async def _compare(self, with_: Version) -> None:
        """Lay both side by side, the older one as what was before."""
        assert self._shown is not None
        old, new = sorted((self._shown, with_), key=lambda each: each.number)
        found = await self.core.certificates.side_by_side(
            self._certificate_id, old.number, new.number
        )
        if not self.is_attached:
            return
        self._before, self._found = with_, sorted(found, key=lambda each: not each.differs)
        now = datetime.now(UTC)
        self.title_line.show_crumbs("Certificates", new.certificate, f"v{new.number} diff")
        self.status_line.tell(
            counts=[_side(old, now), ("against", "muted"), _side(new, now), _counted(found)]
        )
        self.table.columns = _columns(old.number, new.number)
        self.table.refresh()  # the header, too
        rows = [_row(at, each) for at, each in enumerate(self._found)]
        self.table.reload(ListSource(rows), top=True)

    # Showing

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        self.status_line.tell(position=self.table.position)
        self.both.show(_facts(event.row.data) if event.row else ())

    def copied(self) -> str:
        """What differs, each side on a line of its own."""
        return "\n".join(
            f"{each.field}\n- {each.one}\n+ {each.other}" for each in self._found if each.differs
        )

    # Keys

    def impossible(self, key: str) -> str:
        if key == "diff" and len(self._others) < 2:
            return "diff: there is no other version to compare with"
        return ""

    def action_diff(self) -> None:
        """The next one to compare with, the previous first, then ever older, then newer ones."""
        if self._before is not None:
            at = (self._others.index(self._before) + 1) % len(self._others)
            self.start(self._compare(self._others[at]), "diff")


def _columns(old: int = 0, new: int = 0) -> tuple[Column, ...]:
    return (
        Column("FIELD", 18, 26, flex=1),
        Column("", 7),
        Column(f"BEFORE v{old}" if old else "BEFORE", 16, flex=3, middle=True),
        Column(f"AFTER v{new}" if new else "AFTER", 16, flex=3, middle=True),
    )


def _row(at: int, each: Difference) -> Row:
    word = change_word(each)
    tone = TONES[word]
    value = "muted" if word == "same" else ""
    cells: tuple[Cell, ...] = (
        (each.field, value),
        (word, tone),
        (each.one or "-", value),
        (each.other or "-", value),
    )
    return Row(str(at), cells, "", each)


def _facts(each: Difference) -> Sequence[Fact]:
    """Both sides in full."""
    head: Fact = ("", (f"{each.field}: {change_word(each)}", "strong"))
    if not each.differs:
        return [head, ("both", each.one or "-")]
    return [head, ("before", each.one or ("not there", "muted")), ("after", each.other or "gone")]


def _side(version: Version, now: datetime) -> Cell:
    word, tone = status_cell(version_status(version, now))
    return f"v{version.number} {word} {date(version.issued_at)}", tone


def _counted(found: Sequence[Difference]) -> Cell:
    number = sum(each.differs for each in found)
    return (f"{number} differ", "warn") if number else ("nothing differs", "good")
