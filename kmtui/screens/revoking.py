"""Revoking from a screen: the question before, the work, and what came of each version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kmtui.core.errors import AcmeError, InvalidInput, KmtuiError, OverLimit
from kmtui.core.together import together
from kmtui.model import Version
from kmtui.screens.anyway import ask_anyway
from kmtui.screens.certificate_keys import revocation_reason
from kmtui.screens.confirm import Answers, Refusal
from kmtui.screens.here import with_keys
from kmtui.screens.renewal_words import listed
from kmtui.screens.results import Result, Results, certificate_screen, show_results
from kmtui.screens.revocation_question import Question, Subject, Wish
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.revocation import Revoked
    from kmtui.screens.page import Page

TITLE = "revoke"
AT_ONCE = 4
"""Versions under way at a time: each may wait for a successor."""


class Revoking:
    """What is revoked on one page. The work goes on when the page is left."""

    def __init__(self, page: Page, begun: Callable[[], object] = lambda: None) -> None:
        """`begun` is called when it was begun, e.g. to take marks away."""
        self._page = page
        self._begun = begun

    # The question

    async def revoke(self, ids: Sequence[str], hidden: int = 0) -> None:
        """Revoke the version in use of each of these certificates, after a question; where none is
        in use yet, the one that waits. `hidden` is how many of them the filter does not show.
        """
        subjects: list[Subject] = []
        left: list[tuple[str, str]] = []
        for certificate_id in ids:
            name, subject = await self._subject(certificate_id)
            why = revocation_reason(subject.version if subject else None)
            if subject is None or why or (len(ids) > 1 and subject.version.revoked_at is not None):
                left.append((name, why))
            else:
                subjects.append(subject)
        if subjects:
            names = [name for name, _ in left]
            self._ask(Question(subjects=subjects, left=names, hidden=hidden))
        elif len(left) == 1:
            self._say(left[0][1], "warn")
        else:
            self._say("revoke: nothing of the marked ones can be revoked", "warn")

    async def revoke_version(self, version: Version) -> None:
        """Revoke one version, after a question."""
        _, subject = await self._subject(version.certificate_id, version.number)
        if why := revocation_reason(subject.version if subject else None):
            self._say(why, "warn")
        elif subject is not None:
            self._ask(Question(subjects=[subject]))

    async def _subject(
        self, certificate_id: str, number: int | None = None
    ) -> tuple[str, Subject | None]:
        """The name of a certificate, and its version of that number, else the one in use."""
        core = self._page.core
        certificate = await core.certificates.get(certificate_id)
        number = number or certificate.current_version or certificate.unsaved_version
        if number is None:
            return certificate.name, None
        there = await core.targets.of_certificate(certificate_id)
        return certificate.name, Subject(
            version=await core.certificates.version(certificate_id, number),
            current=number == certificate.current_version and certificate.archived_at is None,
            targets=tuple(target for target in there if target.version == number),
        )

    def _ask(
        self, question: Question, refused: Refusal | None = None, said: Sequence[Fact] = ()
    ) -> None:
        def answered(answers: Answers | None) -> None:
            if answers is not None:
                self._page.start(self._carry_out(question, answers), TITLE)

        self._page.lead_to(question.panel(refused, said), answered)

    # Work

    async def _carry_out(self, question: Question, answers: Answers) -> None:
        versions, wish = [each.version for each in question.subjects], Wish.of(answers)
        self._begun()
        if len(versions) > 1:
            await self._revoke_all(question, wish)
            return
        try:
            await self._revoke_one(versions[0], wish)
        except (InvalidInput, AcmeError) as error:
            refused = _refusal(error, answers)
            if refused is None or not self._page.is_active:
                raise
            await self._ask_again(question, refused, error)

    async def _revoke_one(self, version: Version, wish: Wish, *, force: bool = False) -> None:
        name = version.certificate
        first = f"renewing {name} first" if wish.renew_first else f"revoking {name}"
        self._say(f"{first}…", "working")
        try:
            result = await self._result(version, wish, force=force)
        except OverLimit as error:
            if not self._page.is_active:
                raise
            self._say("", "")
            ask_anyway(
                self._page,
                [(name, str(error))],
                lambda: self._page.start(self._revoke_one(version, wish, force=True), TITLE),
            )
            return
        results = Results(TITLE, 1)
        results.add(result)
        results.conclude(self._page)

    async def _revoke_all(self, question: Question, wish: Wish) -> None:
        results, gate = Results(TITLE, len(question.subjects)), asyncio.Semaphore(AT_ONCE)
        show_results(self._page, results)

        async def one(subject: Subject) -> None:
            first = wish.renew_first and subject.current
            async with gate:
                try:
                    results.add(
                        await self._result(subject.version, replace(wish, renew_first=first))
                    )
                except KmtuiError as error:
                    results.add(Result.of_error(_named(subject.version), error))

        await together(one(subject) for subject in question.subjects)
        results.conclude(self._page)

    async def _result(self, version: Version, wish: Wish, *, force: bool = False) -> Result:
        """Revoke a version, after its successor where that is wished; what there is to tell."""
        core, of = self._page.core, version.certificate_id
        told = []
        if wish.renew_first:
            _, outcome = await core.revocation.renew_first(
                of, reason=wish.reason, number=version.number, force=force
            )
            (outcome,) = await core.renewal.wait([outcome])
            successor = await core.revocation.in_force(outcome)
            told.append(f"v{successor.number} took its place")
        done = await core.revocation.revoke(
            of, reason=wish.reason, number=version.number, by=wish.by, ca=wish.ca
        )
        return Result(
            name=_named(version),
            word="revoked",
            status="warn" if done.same_key else "done",
            why="; ".join([*told, *_told(done)]),
            screen=certificate_screen(of),
        )

    async def _ask_again(self, question: Question, refused: Refusal, error: KmtuiError) -> None:
        """The same question with what was answered, and what was said to that."""
        (subject,) = question.subjects
        version = subject.version
        _, subject_now = await self._subject(version.certificate_id, version.number)
        cas = await self._page.core.cas.all() if refused.field == "ca" else question.cas
        said: list[Fact] = [("refused", (error.message, "bad"))]
        if error.problem is not None and error.problem.detail:
            said.append(("CA says", f"“{error.problem.detail}”"))
        if error.hint:
            said.append(("next", with_keys(error.hint)))
        self._say("", "")
        again = replace(question, subjects=[subject_now or subject], cas=cas)
        self._ask(again, refused, said)

    def _say(self, text: str, tone: str) -> None:
        self._page.tell(text, tone)


def _refusal(error: KmtuiError, answers: Answers) -> Refusal | None:
    """What of the answers to change after an error; None where no other answer would help."""
    if isinstance(error, InvalidInput):
        return Refusal(answers, "ca", "who issued it?") if error.field == "ca" else None
    problem = error.problem
    if problem is not None and problem.short_type == "badRevocationReason":
        return Refusal(answers, "reason", f"{answers['reason']} is not accepted here")
    return None


def _named(version: Version) -> str:
    return f"{version.certificate} v{version.number}"


def _told(done: Revoked) -> list[str]:
    """Reason, signer, and who else has a key that was given up."""
    pieces = [str(done.version.revocation_reason)]
    if done.by:
        pieces.append(f"signed by {done.by}")
    told = [", ".join(pieces) + (", was revoked before" if done.already else "")]
    if done.same_key:
        others = listed([_named(each) for each in done.same_key])
        told.append(f"the same key serves {others}: revoke that, too")
    return told
