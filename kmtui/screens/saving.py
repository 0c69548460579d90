"""Saving from a screen: what waits becomes current, or an earlier version does so again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.model import Target, Version
from kmtui.screens.confirm import Confirm
from kmtui.screens.renewal_words import hidden_words, listed
from kmtui.screens.results import Results, certificate_screen
from kmtui.status import Cell, date
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.screens.page import Page

TITLE = "save"


class Saving:
    """What is saved on one page."""

    def __init__(self, page: Page, begun: Callable[[], object] = lambda: None) -> None:
        """`begun` is called when something was saved, e.g. to take marks away."""
        self._page = page
        self._begun = begun

    async def save(self, ids: Sequence[str]) -> None:
        """Save what waits of these certificates; each with what became of it."""
        results = Results(TITLE, len(ids))
        # What is gone is told before anything is saved.
        chosen = [await self._page.core.certificates.get(each) for each in ids]
        for each in chosen:
            await results.follow(
                each.name, self._save(each.id), "saved", certificate_screen(each.id)
            )
        self._begun()
        results.conclude(self._page)

    async def save_marked(self, ids: Sequence[str], hidden: int) -> None:
        """Save what waits of the marked ones after a question; `hidden` is how many of them the
        filter does not show.
        """
        marked = [await self._page.core.certificates.get(key) for key in ids]
        waiting = [
            each.id
            for each in marked
            if each.unsaved_version is not None and each.archived_at is None
        ]
        if not waiting:
            self._page.say("save: no version of the marked ones waits to be saved", "warn")
            return
        said = f"Save the new versions of {len(waiting)} of {len(marked)} marked?"
        self._page.ask(
            f"{said}{hidden_words(hidden)}", lambda: self._page.start(self.save(waiting), TITLE)
        )

    async def _save(self, certificate_id: str) -> str:
        version = await self._page.core.certificates.save(certificate_id)
        return f"v{version.number} is current now"

    def make_current(
        self, version: Version, current: Version | None, targets: Sequence[Target]
    ) -> None:
        """Make an earlier version the current one again, after a question."""
        number = version.number
        facts: list[Fact] = [
            ("to", f"v{number}, valid until {date(version.not_after)}; renewal goes by that"),
            *_places(targets, number),
        ]
        if current is not None:
            facts.insert(0, ("from", f"v{current.number}, which stays in the history"))
            facts.append(("undo", _undoing(current)))
        panel = Confirm(
            f"MAKE CURRENT {version.certificate} v{number}",
            facts,
            verb="make it current",
            otherwise="leave it",
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._page.start(self._make_current(version), TITLE)

        self._page.lead_to(panel, answered)

    async def _make_current(self, version: Version) -> None:
        await self._page.core.certificates.make_current(version.certificate_id, version.number)
        self._page.tell(f"v{version.number} is current again", "good")


def _undoing(former: Version) -> Cell:
    """How the version that is in use now comes back."""
    number = former.number
    if former.revoked_at is not None:
        return f"none: v{number} is revoked", "warn"
    if former.not_after < datetime.now(UTC):
        return f"none: v{number} has expired", "warn"
    return f"s on v{number} makes that one current again", ""


def _places(targets: Sequence[Target], number: int) -> list[Fact]:
    """Where the version goes at once."""
    if not targets:
        return [("targets", ("none: it is deployed nowhere", "muted"))]
    names = listed([target.name for target in targets])
    return [("targets", (f"{names}: v{number} is deployed there at once", "warn"))]
