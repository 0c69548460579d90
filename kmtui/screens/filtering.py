"""The filter of one list: the words it knows, what is wrong with it, and those that are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmtui.core.errors import InvalidInput
from kmtui.model.filterwords import FILTER_WORDS, FilterWord
from kmtui.status import Cell
from kmtui.text import width_of
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.screens.listpage import ListPage


@dataclass(frozen=True, slots=True)
class Present:
    """What a list is read with now."""

    of: str
    """The list, as `kmtui.core.saved_filters.LISTS` calls it."""
    text: str
    sort: str
    descending: bool
    order_words: Callable[[str, bool], str]
    """An order of the list in words."""


class Filtering:
    """What a list does beside reading with the filter that is typed. It holds no text."""

    def __init__(self, page: ListPage, of: str) -> None:
        self._page = page
        self._of = of
        self._words = FILTER_WORDS.get(of, ())
        self.refusal: InvalidInput | None = None
        """Why the text that is typed is not what the list is read with."""

    @property
    def known(self) -> bool:
        """Whether the list has words of its own, and filters can be kept for it."""
        return bool(self._words)

    async def accept(self, text: str) -> bool:
        """Whether the list can be read with that text; if not, `refusal` says why."""
        self.refusal = None
        try:
            await self._page.core.filters.check(self._of, text)
        except InvalidInput as refusal:
            self.refusal = refusal
        return self.refusal is None

    def said(self, room: int) -> str:
        """The refusal in one line of so many cells, no word cut."""
        if self.refusal is None:
            return ""
        text = ": ".join(filter(None, (self.refusal.message, self.refusal.hint)))
        return text if len(text) <= room else f"{text[: room - 1].rpartition(' ')[0]}…"

    def facts(self, typed: str) -> list[Fact]:
        """The words, for the pane: those that begin like the last one that is typed."""
        wrong: list[Fact] = [("", (self.said(1000), "bad")), ("", "")] if self.refusal else []
        if not self._words:
            return []
        fitting = self._fitting(typed)
        words: list[Fact] = []
        for each in fitting:
            words.append((f"{each.word}:", each.tooltip))
            if len(fitting) <= 3:
                words.append(("", (each.takes, "muted")))
        more = "words that occur, !word for those that do not, and with ! or without:"
        return [*wrong, ("", (more, "muted")), ("", ""), *words]

    def line(self, typed: str, room: int) -> list[Cell]:
        """The same where there is one line: whole words, as many as fit."""
        if self.refusal is not None:
            return [(self.said(room), "bad")]
        fitting = self._fitting(typed)
        if len(fitting) == 1:
            (word,) = fitting
            return [(f"{word.word}: ", "key"), (f"{word.tooltip}: {word.takes}", "muted")]
        shown = ""
        for each in fitting:
            if width_of(f"{shown} {each.word}:") > room:
                break
            shown = f"{shown} {each.word}:".lstrip()
        return [(shown, "muted")]

    def keep(self, text: str) -> None:
        """Ask for a name to keep a filter under."""
        from kmtui.screens.filters import KeepFilterForm

        self._page.app.push_screen(KeepFilterForm(self._present(text)))

    def show_kept(self) -> None:
        """Show the filters of this list that are kept; the one that is chosen is applied."""
        from kmtui.screens.filters import FiltersScreen

        page = self._page
        shown = FiltersScreen(self._present(page.filter_text))

        def apply(_: None) -> None:
            if (kept := shown.chosen) is not None:
                page.look_for(kept.text, kept.sort, kept.descending)

        page.app.push_screen(shown, apply)

    def _present(self, text: str) -> Present:
        page = self._page
        return Present(self._of, text, page.sort, page.descending, page.order_words)

    def _fitting(self, typed: str) -> Sequence[FilterWord]:
        last = typed.rpartition(" ")[2].removeprefix("!").casefold()
        word, colon, _ = last.partition(":")
        if colon:
            return [each for each in self._words if each.word == word] or self._words
        return [each for each in self._words if each.word.startswith(word)] or self._words
