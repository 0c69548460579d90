"""Renewing from a screen: the question before, the work, and what came of each certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.core.errors import KmtuiError, OverLimit
from kmtui.core.problems import counted
from kmtui.core.together import together
from kmtui.model import Problem, RequestStatus, SubProblem, Verdict
from kmtui.screens.anyway import ask_anyway
from kmtui.screens.confirm import Confirm
from kmtui.screens.here import with_keys
from kmtui.screens.renewal_results import renewal_result
from kmtui.screens.renewal_words import listed, standing_in_short
from kmtui.screens.results import Results
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.renewal import RenewalRun
    from kmtui.core.successors import Outcome
    from kmtui.screens.page import Page

TITLE = "renew"
TRIED = ("retry-later", "needs-human")
"""What stands in the way of the unattended run, and is why an operator renews by hand."""
UNDER_WAY = "under-way"
"""A certificate with a live request gets no second one: that one is to go on or to be cancelled."""
LEAVE = "leave it"


class Renewing:
    """Renewals that are asked for on one page. The work goes on when the page is left."""

    def __init__(self, page: Page, begun: Callable[[], object] = lambda: None) -> None:
        """`begun` is called when renewals were started, e.g. to take marks away."""
        self._page = page
        self._begun = begun

    def renew(self, ids: Sequence[str], *, hidden: int = 0) -> None:
        """Renew these certificates, after a question if there are several or one is not due.

        `hidden` is how many of them the filter does not show.
        """
        ask = self._ask_one(ids[0]) if len(ids) == 1 and not hidden else self._ask(ids, hidden)
        self._page.start(ask, TITLE)

    def renew_due(self) -> None:
        """Renew whatever is due, as the unattended run does, after a question."""
        self._page.start(self._ask_due(), TITLE)

    # Questions

    async def _ask_one(self, certificate_id: str) -> None:
        verdict = await self._page.core.renewal.verdict(certificate_id)
        if verdict.due or verdict.blocked in TRIED:
            await self._start([certificate_id])
            return
        if verdict.blocked == UNDER_WAY:
            self._page.say(_leave_to_its_request(verdict), "warn")
            return
        said, _ = standing_in_short(verdict, datetime.now(UTC))
        self._page.ask(
            f"{verdict.certificate}: {said}. Renew now?",
            lambda: self._page.start(self._start([certificate_id]), TITLE),
        )

    async def _ask(self, ids: Sequence[str], hidden: int) -> None:
        chosen = await self._page.core.renewal.verdicts_of(ids)
        if not chosen:
            self._page.say("renew: the marked certificates are archived", "warn")
            return
        free = [each for each in chosen if each.blocked != UNDER_WAY]
        if not free:
            self._page.say(_leave_to_its_request(chosen[0]), "warn")
            return
        facts: list[Fact] = [("renewed", listed([each.certificate for each in free]))]
        facts += _groups(chosen)
        if hidden:
            facts.append(("hidden", (f"{hidden} of them by the filter", "warn")))
        self._confirm(
            f"RENEW {counted(len(free), 'certificate')}",
            facts,
            lambda: self._page.start(self._start([each.certificate_id for each in free]), TITLE),
        )

    async def _ask_due(self) -> None:
        verdicts = await self._page.core.renewal.candidates()
        due = [each for each in verdicts if each.due]
        facts: list[Fact] = [
            (
                "due",
                listed([each.certificate for each in due]) or ("none by what is known", "muted"),
            ),
            *_groups([each for each in verdicts if each.blocked in TRIED]),
            ("also", "takes up what was cut off, and asks CAs when they want to renew (ARI)"),
        ]
        title = f"RENEW WHAT IS DUE: {counted(len(due), 'certificate')}"
        self._confirm(title, facts, lambda: self._page.start(self._run(), TITLE))

    def _confirm(self, title: str, facts: Sequence[Fact], on_yes: Callable[[], None]) -> None:
        panel = Confirm(title, facts, verb="renew", otherwise=LEAVE)
        self._page.lead_to(panel, lambda yes: on_yes() if yes else None)

    # Work

    async def _start(
        self, ids: Sequence[str], results: Results | None = None, *, forced: bool = False
    ) -> None:
        """`results` are those of the first time, for what is tried once more."""
        renewal = self._page.core.renewal
        outcomes = await renewal.renew(ids, force=forced)
        self._begun()
        if results is not None:
            results.again([outcome.certificate.name for outcome in outcomes])
        else:
            results = self._results(len(outcomes))
        started = [outcome for outcome in outcomes if outcome.request is not None]
        for outcome in outcomes:
            if outcome.request is None:
                results.add(renewal_result(outcome))
        over = [o for o in outcomes if isinstance(o.error, OverLimit)]
        refused = [o for o in outcomes if o.error is not None and o not in over]
        if started:
            self._say(_started(started), "working")
            remarks = [f"{len(refused)} not started"] if refused else []
            self._page.start(self._follow(started, results, remarks), TITLE)
        if refused:
            self._tell_refused(refused, len(outcomes))
        again = results if results.total > 1 else None
        if over:
            ask_anyway(
                self._page,
                [(o.certificate.name, str(o.error)) for o in over],
                lambda: self._page.start(
                    self._start([o.certificate.id for o in over], again, forced=True), TITLE
                ),
            )

    async def _follow(
        self, started: Sequence[Outcome], results: Results, remarks: Sequence[str]
    ) -> None:
        core = self._page.core

        async def one(outcome: Outcome, request_id: str) -> None:
            request = await core.requests.see_through(request_id)
            results.add(renewal_result(replace(outcome, request=request)))

        await together(one(each, each.request.id) for each in started if each.request is not None)
        # They have ended by now; new versions get their plan.
        ended = await core.renewal.wait(started)
        self._tell_ended(ended, remarks, several=results.total > 1)

    def _results(self, total: int) -> Results:
        """A list that fills as they end; of several it is behind the key ``=``."""
        results = Results(TITLE, total)
        if total > 1:
            self._page.workbench.results = results
        return results

    async def _run(self) -> None:
        self._say("renewing what is due…", "working")
        run = await self._page.core.renewal.run()
        if run.held_by is not None:
            who = f"process {run.held_by}" if run.held_by else "another process"
            self._say(f"{who} is renewing what is due already", "warn")
            return
        results = self._results(len(run.outcomes))
        for outcome in run.outcomes:
            results.add(renewal_result(outcome))
        self._tell_ended(run.outcomes, _remarks(run), several=results.total > 1)

    # What came of it

    def _tell_refused(self, refused: Sequence[Outcome], asked: int) -> None:
        """One alone as its own error; several as one error with a part for each."""
        if len(refused) == asked == 1 and refused[0].error is not None:
            raise refused[0].error
        error = _together(f"{len(refused)} of {asked} were not started", refused)
        self._page.workbench.note_error(TITLE, error)
        self._say(f"{error.message}: {_first(refused)}  (= lists each)", "bad")

    def _tell_ended(
        self, ended: Sequence[Outcome], remarks: Sequence[str], *, several: bool
    ) -> None:
        failed = [o for o in ended if o.error is not None or _status(o) == RequestStatus.FAILED]
        pieces = [*_in_words(ended), *remarks]
        if failed:
            error = _together(f"{len(failed)} of {len(ended)} renewals failed", failed)
            self._page.workbench.note_error(TITLE, error)
            pieces += [] if several else ["! tells why"]
        tone = "bad" if failed else "warn" if remarks else "good"
        listed_at = "  (= lists each)" if several else ""
        self._say(f"{'; '.join(pieces)}{listed_at}" if pieces else "nothing was due", tone)

    def _say(self, text: str, tone: str) -> None:
        self._page.tell(text, tone)


def _leave_to_its_request(verdict: Verdict) -> str:
    """Why no other request begins, the key to the one there is first: a short line ends early."""
    key = "r on Requests goes on now" if verdict.next_try_at else "J shows it"
    return f"renew: {key}: {verdict.certificate}: {verdict.why}"


def _groups(verdicts: Sequence[Verdict]) -> list[Fact]:
    """Which of them an unattended run would leave alone now, by why."""
    now = datetime.now(UTC)
    early = [each.certificate for each in verdicts if each.at is not None and each.at > now]
    tried = [each.certificate for each in verdicts if each.blocked in TRIED]
    facts: list[Fact] = []
    if early:
        facts.append(("not due", (f"{len(early)} yet: {listed(early)}", "warn")))
    if tried:
        facts.append(
            ("failed", (f"{len(tried)} before, not tried again yet: {listed(tried)}", "warn"))
        )
    others = [
        f"{each.certificate}: {each.why}" for each in verdicts if each.blocked not in ("", *TRIED)
    ]
    facts += [("blocked" if at == 0 else " ", (said, "warn")) for at, said in enumerate(others[:4])]
    if len(others) > 4:
        facts.append((" ", (f"and {len(others) - 4} more", "warn")))
    return facts


def _started(outcomes: Sequence[Outcome]) -> str:
    if len(outcomes) == 1 and (request := outcomes[0].request) is not None:
        return f"renewing {outcomes[0].certificate.name} by request #{request.number}"
    return f"{counted(len(outcomes), 'renewal')} started; J shows them"


def _in_words(ended: Sequence[Outcome]) -> list[str]:
    """How the renewals ended, a piece for each way; a few by name."""
    words = {
        RequestStatus.SAVED: "renewed",
        RequestStatus.AVAILABLE: "issued, to be saved",
        RequestStatus.FAILED: "failed",
        RequestStatus.PARKED: "parked until later",
        RequestStatus.CANCELLED: "cancelled",
    }
    pieces = []
    for status, word in words.items():
        names = [o.certificate.name for o in ended if _status(o) == status]
        if names:
            pieces.append(f"{len(names)} {word}" if len(ended) > 3 else f"{word}: {listed(names)}")
    refused = [o.certificate.name for o in ended if o.error is not None]
    return [*pieces, *([f"not started: {listed(refused)}"] if refused else [])]


def _remarks(run: RenewalRun) -> list[str]:
    left = [f"{run.put_off} left for the next run"] if run.put_off else []
    return [*run.notes, *left]


def _status(outcome: Outcome) -> str:
    return outcome.request.status if outcome.request else ""


def _first(outcomes: Sequence[Outcome]) -> str:
    return f"{outcomes[0].certificate.name}: {_why(outcomes[0])[1]}"


def _why(outcome: Outcome) -> tuple[str, str]:
    """Type and words of what stood in the way of one."""
    if outcome.error is not None:
        hint = f"; {with_keys(outcome.error.hint)}" if outcome.error.hint else ""
        return f"kmtui:{outcome.error.code}", f"{outcome.error.message}{hint}"
    problem = outcome.request.problem if outcome.request else None
    return (problem.type, problem.what or problem.detail) if problem else ("kmtui:failed", "")


def _together(message: str, outcomes: Sequence[Outcome]) -> KmtuiError:
    """One error over several certificates, a part for each."""
    parts = [(outcome.certificate.name, *_why(outcome)) for outcome in outcomes]
    subproblems = tuple(SubProblem(identifier=n, type=t, detail=said) for n, t, said in parts)
    problem = Problem(type="kmtui:renewal", detail="", subproblems=subproblems)
    return KmtuiError(message, hint="each certificate's own screen tells more", problem=problem)
