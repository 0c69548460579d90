"""What became of each thing that was acted on together: a list that fills while the work goes on.

`Results` is kept by the App after its screen was left, so that the key ``=`` brings it back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.timer import Timer

from kmtui.bindings import screen_bindings
from kmtui.core.errors import KmtuiError
from kmtui.model import Problem, SubProblem
from kmtui.screens.error import ErrorScreen, problem_facts, problem_of
from kmtui.screens.here import with_keys
from kmtui.screens.listpage import ListPage
from kmtui.screens.page import Page
from kmtui.screens.setuplist import matches
from kmtui.status import Cell, look
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, ListSource, Row

if TYPE_CHECKING:
    from textual.screen import Screen

FAILED = "failed"
SOON = 0.1
"""Seconds in which those that end are shown together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended for one thing."""

    name: str
    word: str
    """In one word or two: ``revoked``, ``failed``."""
    status: str = "done"
    """Status word whose glyph and tone it has."""
    why: str = ""
    error: KmtuiError | None = None
    screen: Callable[[], Screen[None]] | None = None
    """What enter opens where there is no error."""

    @classmethod
    def of_error(cls, name: str, error: KmtuiError, word: str = FAILED) -> Result:
        """One that failed."""
        return cls(name=name, word=word, status=FAILED, why=error.message, error=error)


class Results:
    """The results of one act on `total` things, in the order in which they ended."""

    def __init__(self, title: str, total: int) -> None:
        """`title` names the act: ``revoke``, ``move``."""
        self.title = title
        self.total = total
        self.items: list[Result] = []
        self._watching: list[Callable[[], None]] = []

    @property
    def ended(self) -> bool:
        """Whether nothing is under way any more."""
        return len(self.items) >= self.total

    @property
    def failed(self) -> list[Result]:
        """Those that failed."""
        return [item for item in self.items if item.error is not None]

    def add(self, item: Result) -> None:
        """One more has ended."""
        self.items.append(item)
        for tell in tuple(self._watching):
            tell()

    def again(self, names: Collection[str]) -> None:
        """These are tried once more: what became of them so far is no result."""
        self.items = [item for item in self.items if item.name not in names]
        for tell in tuple(self._watching):
            tell()

    async def follow(
        self,
        name: str,
        work: Awaitable[str],
        word: str,
        screen: Callable[[], Screen[None]] | None = None,
    ) -> None:
        """Wait for the work on one thing, which returns what there is to know about it beside
        `word`; an error is its result and keeps nothing else back.
        """
        try:
            why = await work
        except KmtuiError as error:
            self.add(Result.of_error(name, error))
        else:
            self.add(Result(name=name, word=word, why=why, screen=screen))

    def counts(self) -> list[Cell]:
        """Pieces for the status line, what failed last: ``28 revoked``, ``2 failed``."""
        found: dict[tuple[str, str], int] = {}
        for item in sorted(self.items, key=lambda item: item.error is not None):
            kind = (item.word, look(item.status).tone)
            found[kind] = found.get(kind, 0) + 1
        return [(f"{number} {word}", tone) for (word, tone), number in found.items()]

    def in_words(self) -> str:
        """``28 revoked, 2 failed``."""
        return ", ".join(text for text, _ in self.counts())

    def watch(self, tell: Callable[[], None]) -> None:
        """Have `tell` called whenever one more has ended."""
        self._watching.append(tell)

    def unwatch(self, tell: Callable[[], None]) -> None:
        """The opposite of `watch`."""
        self._watching.remove(tell)

    def conclude(self, page: Page, then: str = "") -> None:
        """Say how it went on the page that is in view; kept for ``=``, what failed for ``!``.

        `then` is what can be done about those that went well: ``u brings them back``.

        One thing alone is said by its name, and its error is raised. Of several each is listed on a
        screen if one failed, unless whoever asked for it on `page` has gone elsewhere.
        """
        if self.total == 1:
            (only,) = self.items
            if only.error is not None:
                raise only.error
            page.tell(f"{only.name} {only.word}{f': {only.why}' if only.why else ''}", "good")
            return
        page.workbench.results = self
        if self.failed:
            page.workbench.note_error(self.title, _together(self))
        tone = "bad" if self.failed else "good"
        well = f"; {then}" if then and len(self.failed) < self.total else ""
        shown = page.app.screen
        # Where they are listed now, the page tells it once it is seen again.
        here = isinstance(shown, ResultsScreen) and shown.results is self
        say = page.say if here else page.tell
        say(f"{self.title}: {self.in_words()}{well}  (= lists each)", tone)
        if self.failed and page.app.screen is page:
            page.app.push_screen(ResultsScreen(self))


def show_results(page: Page, results: Results) -> Page:
    """Open the list of what is under way, for work that takes its time; unless it is shown
    already, or the operator went elsewhere. The page in view of these two.
    """
    page.workbench.results = results
    shown = page.app.screen
    if isinstance(shown, ResultsScreen) and shown.results is results:
        return shown
    listed = ResultsScreen(results)
    return listed if page.lead_to(listed) else page


def certificate_screen(certificate_id: str) -> Callable[[], Screen[None]]:
    """Makes the screen of a certificate, for `Result.screen`."""

    def make() -> Screen[None]:
        from kmtui.screens.certificate import CertificateScreen

        return CertificateScreen(certificate_id)

    return make


class ResultsScreen(ListPage):
    """A row for each: how it ended, and why. It can be left while the work goes on."""

    MARKABLE = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 22, 48, flex=1, middle=True),
        Column("OUTCOME", 12),
        Column("WHY", 20, flex=2),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings("results")]
    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "open", "filter", "copy", "last_error", "back")

    def __init__(self, results: Results) -> None:
        super().__init__()
        self.title_line.show_crumbs("Results", results.title)
        self.results = results
        self._pause: Timer | None = None
        self._missed = False
        self.table.empty = "Nothing has ended yet. esc leaves this list, the work goes on."

    def on_mount(self) -> None:
        self.results.watch(self._read_soon)

    def on_unmount(self) -> None:
        self.results.unwatch(self._read_soon)

    def _read_soon(self) -> None:
        """At once, then what ends in the same moment together: hundreds may."""
        self._missed = self._pause is not None
        if self._pause is None:
            self._read()
            self._pause = self.set_timer(SOON, self._read_missed)

    def _read_missed(self) -> None:
        self._pause = None
        if self._missed:
            self._read_soon()

    def source(self) -> ListSource:
        return ListSource(self._rows())

    def _rows(self) -> list[Row]:
        rows = (_row(at, item) for at, item in enumerate(self.results.items))
        return [row for row in rows if matches(row, self.filter_text)]

    async def counts(self) -> Sequence[Cell]:
        results = self.results
        under_way = (f"{len(results.items)} of {results.total}", "working")
        return [*([] if results.ended else [under_way]), *results.counts()]

    def facts(self, row: Row) -> Sequence[Fact]:
        item: Result = row.data
        head: list[Fact] = [
            ("", (item.name, "strong")),
            ("outcome", (item.word, look(item.status).tone)),
        ]
        if item.error is not None:
            return [*head, ("", ""), *problem_facts(problem_of(item.error))]
        more: list[Fact] = [("", ""), ("", ("enter opens it", "muted"))]
        return [*head, *([("why", item.why)] if item.why else []), *(more if item.screen else [])]

    def line(self, row: Row) -> Sequence[Cell]:
        """What to do next, where something failed; else all that is told of it."""
        item: Result = row.data
        return [(with_keys(item.error.hint if item.error else "") or item.why, "muted")]

    def impossible(self, key: str) -> str:
        row = self.table.row
        if key == "open":
            if row is None:
                return "open: nothing has ended yet"
            if row.data.error is None and row.data.screen is None:
                return f"open: there is no more about {row.data.name}"
        return ""

    def copied(self) -> str:
        """Every row that is shown, a line each."""
        return "\n".join(": ".join(text for text, _ in row.cells if text) for row in self._rows())

    def open_row(self, row: Row) -> None:
        """What went wrong in full, else the thing itself."""
        item: Result = row.data
        if item.error is not None:
            title = f"{self.results.title} {item.name}"
            self.app.push_screen(ErrorScreen(title, problem_of(item.error)))
        elif item.screen is not None:
            self.app.push_screen(item.screen())
        else:
            self.say(self.impossible("open"), "warn")

    def leave(self) -> None:
        """Leave; what goes on is told where it leads back to."""
        if not self.results.ended and isinstance(before := self.app.screen_stack[-2], Page):
            results = self.results
            done = f"{len(results.items)} of {results.total}"
            before.say(f"{results.title} goes on, {done} so far: = shows it again", "working")
        super().leave()


def _row(at: int, item: Result) -> Row:
    tone = look(item.status).tone
    return Row(str(at), ((item.name, ""), (item.word, tone), (item.why, "")), item.status, item)


def _together(results: Results) -> KmtuiError:
    """What failed as one error, a part for each."""
    failed = [(item.name, problem_of(item.error)) for item in results.failed if item.error]
    parts = tuple(
        SubProblem(identifier=name, type=problem.type, detail="; ".join(_words(problem)))
        for name, problem in failed
    )
    return KmtuiError(
        f"{len(failed)} of {results.total} failed",
        hint="= lists each, enter there tells more",
        problem=Problem(type=f"kmtui:{results.title}", detail="", subproblems=parts),
    )


def _words(problem: Problem) -> list[str]:
    return [said for said in (problem.what, with_keys(problem.hint)) if said]
