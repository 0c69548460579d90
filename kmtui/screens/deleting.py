"""Deleting from a screen: out of the lists, back again, or for good by a name that is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.core.errors import StillServed
from kmtui.core.problems import counted
from kmtui.model import KEPT, Certificate
from kmtui.screens.confirm import Answers, Confirm, StrongConfirm
from kmtui.screens.renewal_words import hidden_words, listed
from kmtui.screens.results import Result, Results, certificate_screen
from kmtui.status import date
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.archive import Deletion
    from kmtui.screens.page import Page

DELETE, UNDELETE, PURGE = "delete", "undo delete", "purge"
"""Titles of the acts."""
SHOWN = 5
"""Certificates that a question tells one by one."""


class Deleting:
    """What is deleted on one page, and brought back."""

    def __init__(
        self,
        page: Page,
        begun: Callable[[], object] = lambda: None,
        found: Callable[[str], object] = lambda certificate_id: None,
    ) -> None:
        """`begun` is called when something was done, e.g. to take marks away; `found` with the id
        of one that came back.
        """
        self._page = page
        self._begun = begun
        self._found = found
        self._last: list[str] = []
        """Ids of those that were deleted here last."""

    # Deleting

    async def delete(self, ids: Sequence[str], hidden: int = 0) -> None:
        """Delete these certificates after a question; those that are deleted already are purged,
        when there are no others. `hidden` is how many of them the filter does not show.
        """
        chosen = await self._get(ids)
        live = [each for each in chosen if each.archived_at is None]
        kept = [each for each in chosen if each.archived_at is not None and each.purged_at is None]
        if live:
            await self._ask_to_delete(live, hidden, deleted=len(chosen) - len(live))
        elif kept:
            await self._ask_to_purge(kept, hidden)
        else:
            self._say("purge: their keys were destroyed before", "warn")

    async def _ask_to_delete(
        self, chosen: Sequence[Certificate], hidden: int, deleted: int
    ) -> None:
        facts = [*_named(chosen, hidden), *_valid(chosen), *await self._served(chosen)]
        if deleted:
            facts.append(("left", f"{deleted} that are deleted already"))
        after = "its" if len(chosen) == 1 else "their"
        facts += [
            *([("", "")] if facts else []),
            ("", "Nothing renews or deploys what is deleted. Its history stays here."),
            ("", "At the CA nothing changes: what is valid stays valid. X revokes."),
            ("undo", f"u, for {KEPT.days} days; then {after} private keys are destroyed"),
        ]
        panel = Confirm(f"DELETE {_titled(chosen)}", facts, verb="delete")
        ids = [each.id for each in chosen]

        def answered(yes: bool | None) -> None:
            if yes:
                self._page.start(self._delete(ids), DELETE)

        self._page.lead_to(panel, answered)

    async def _served(self, chosen: Sequence[Certificate]) -> list[Fact]:
        """Which targets have a version of them, as far as that is known without looking."""
        there = []
        for certificate in chosen:
            targets = await self._page.core.targets.of_certificate(certificate.id)
            there += [target for target in targets if target.version is not None]
        if not there:
            return []
        said = listed([target.name for target in there])
        return [("targets", (f"{said}: looked at before anything is deleted", "warn"))]

    async def _delete(self, ids: Sequence[str]) -> None:
        self._say("looking whether a target still serves it…", "working")
        done = await self._page.core.archive.delete(ids)
        self._say("", "")
        served = [each for each in done if isinstance(each.error, StillServed)]
        others = [each for each in done if each not in served]
        if served:
            self._ask_although_served(served, others)
        else:
            self._conclude_deletion(others)

    def _ask_although_served(self, served: Sequence[Deletion], done: Sequence[Deletion]) -> None:
        facts: list[Fact] = [
            ("", (each.error.message, "warn")) for each in served[:SHOWN] if each.error
        ]
        if len(served) > SHOWN:
            facts.append(("", f"and {len(served) - SHOWN} more"))
        facts += [
            ("", ""),
            ("", "Servers go on serving it until it expires; nobody renews it there."),
            ("", "Where that has ended, D on the target takes the target away."),
        ]
        title = f"STILL SERVED {_titled([each.certificate for each in served])}"
        panel = Confirm(title, facts, verb="delete it although")

        def answered(yes: bool | None) -> None:
            if yes:
                self._page.start(self._delete_although(served, done), DELETE)
            elif len(served) == 1 and not done:
                self._say(f"{served[0].certificate.name} is kept", "")
            else:
                self._page.start(self._told([*done, *served]), DELETE)

        if not self._page.lead_to(panel, answered):
            self._conclude_deletion([*done, *served])

    async def _delete_although(self, served: Sequence[Deletion], done: Sequence[Deletion]) -> None:
        ids = [each.certificate.id for each in served]
        self._conclude_deletion([*done, *await self._page.core.archive.delete(ids, force=True)])

    async def _told(self, done: Sequence[Deletion]) -> None:
        self._conclude_deletion(done)

    def _conclude_deletion(self, done: Sequence[Deletion]) -> None:
        self._last = [each.certificate.id for each in done if each.error is None]
        one = "u brings it back" if len(done) == 1 else ""
        self._conclude(DELETE, "deleted", done, one, then="u brings them back")

    # Bringing back

    async def undelete(self, ids: Sequence[str], hidden: int = 0) -> None:
        """Bring the deleted ones of these back, several after a question; where none of them is
        deleted, what was deleted here last, or after a question what anybody deleted last.
        """
        chosen = [each for each in await self._get(ids) if each.archived_at is not None]
        if not chosen:
            await self._undelete_last()
        elif len(chosen) == 1 and not hidden:
            await self._undelete([chosen[0].id])
        else:
            said = f"Bring {counted(len(chosen), 'deleted certificate')} back?"
            self._ask_to_undelete(f"{said}{hidden_words(hidden)}", [each.id for each in chosen])

    async def _undelete_last(self) -> None:
        here = [each.id for each in await self._get(self._last) if each.archived_at is not None]
        last = None if here else await self._page.core.archive.last_deleted()
        if here:
            await self._undelete(here)
        elif last is None or last.archived_at is None:
            self._say("undo delete: there is nothing that could come back", "warn")
        else:  # by another session, maybe long ago
            said = f"Bring {last.name} back, deleted on {date(last.archived_at)}?"
            self._ask_to_undelete(said, [last.id])

    def _ask_to_undelete(self, said: str, ids: Sequence[str]) -> None:
        self._page.ask(said, lambda: self._page.start(self._undelete(ids), UNDELETE))

    async def _undelete(self, ids: Sequence[str]) -> None:
        done = await self._page.core.archive.undelete(ids)
        self._conclude(UNDELETE, "brought back", done, "with the settings it had")
        if len(ids) == 1:
            self._found(ids[0])

    # For good

    async def _ask_to_purge(self, chosen: Sequence[Certificate], hidden: int) -> None:
        keys = 0
        for certificate in chosen:
            history = await self._page.core.certificates.history(certificate.id)
            keys += sum(version.has_key for version in history)
        one = chosen[0] if len(chosen) == 1 else None
        facts = _named(chosen, hidden)
        if one is not None and one.archived_at is not None:
            due = one.archived_at + KEPT
            when = f"on {date(due)}" if due > datetime.now(UTC) else "at the next unattended run"
            facts.append(("deleted", f"on {date(one.archived_at)}; happens by itself {when}"))
        facts += [
            ("keys", (f"{counted(keys, 'private key')} destroyed here, for good", "bad")),
            ("", ""),
            ("", "No version can be put anywhere again, nor sign its revocation."),
            ("", "There is no undo. The history stays; the label is free for another one."),
        ]
        expected = one.name if one is not None else str(len(chosen))
        panel = StrongConfirm(
            f"PURGE {_titled(chosen)}", facts, expected=expected, verb="destroy the keys"
        )
        names = [each.name for each in chosen]

        def answered(answers: Answers | None) -> None:
            if answers is not None:
                self._page.start(self._purge(names), PURGE)

        self._page.lead_to(panel, answered)

    async def _purge(self, names: Sequence[str]) -> None:
        results = Results(PURGE, len(names))
        for name in names:
            await results.follow(name, self._purge_one(name), "purged")
        self._begun()
        results.conclude(self._page)

    async def _purge_one(self, name: str) -> str:
        await self._page.core.archive.purge(name)
        return "its keys are destroyed, its history stays"

    # What came of it

    def _conclude(
        self, title: str, word: str, done: Sequence[Deletion], why: str, *, then: str = ""
    ) -> None:
        results = Results(title, len(done))
        for each in done:
            name, error = each.certificate.name, each.error
            opened = certificate_screen(each.certificate.id)
            results.add(
                Result(name=name, word=word, why=why, screen=opened)
                if error is None
                else Result.of_error(name, error, "kept" if title == DELETE else "failed")
            )
        self._begun()
        results.conclude(self._page, then)

    async def _get(self, ids: Sequence[str]) -> list[Certificate]:
        return [await self._page.core.certificates.get(each) for each in ids]

    def _say(self, text: str, tone: str) -> None:
        self._page.tell(text, tone)


def _titled(chosen: Sequence[Certificate]) -> str:
    return chosen[0].name if len(chosen) == 1 else counted(len(chosen), "certificate")


def _valid(chosen: Sequence[Certificate]) -> list[Fact]:
    """What is in use of one, and how long it is good for."""
    if len(chosen) > 1 or chosen[0].current_version is None or chosen[0].not_after is None:
        return []
    return [("current", f"v{chosen[0].current_version}, until {date(chosen[0].not_after)}")]


def _named(chosen: Sequence[Certificate], hidden: int) -> list[Fact]:
    """Which they are, where that is not in the title."""
    names = listed([each.name for each in chosen])
    facts: list[Fact] = [("names", names)] if len(chosen) > 1 else []
    if hidden:
        facts.append(("hidden", (f"{hidden} of them by the filter", "warn")))
    return facts
