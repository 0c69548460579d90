"""One error in full: what happened, what to do, what the other side said, where to look."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult

from kmtui.core.errors import KmtuiError
from kmtui.model import Problem
from kmtui.screens.here import with_keys
from kmtui.screens.page import Page
from kmtui.status import when
from kmtui.widgets.details import Details, Fact


def problem_of(error: KmtuiError) -> Problem:
    """An error as the problem it carries, with the words and the hint of the error itself."""
    said = error.problem
    return Problem(
        type=said.type if said else f"kmtui:{error.code}",
        detail=said.detail if said else "",
        what=error.message,
        hint=error.hint or (said.hint if said else ""),
        where=said.where if said else "",
        http_status=said.http_status if said else None,
        retry_after=said.retry_after if said else None,
        subproblems=said.subproblems if said else (),
        instance=said.instance if said else "",
    )


def problem_facts(problem: Problem) -> list[Fact]:
    """A problem as What, Next, Said, Where: plain words first, the other side's words after."""
    facts: list[Fact] = [("What", (problem.what or problem.detail, "strong"))]
    if problem.hint:
        facts.append(("Next", with_keys(problem.hint)))
    if problem.retry_after is not None:
        facts.append((" ", f"The server asks to wait {problem.retry_after:.0f} s."))
    if problem.instance:
        facts.append(("See", problem.instance))
    status = f"  HTTP {problem.http_status}" if problem.http_status else ""
    facts.append(("Said", (f"{problem.type}{status}", "muted")))
    if problem.detail:
        facts.append((" ", f"“{problem.detail}”"))
    for part in problem.subproblems:
        facts.append(("For", (part.identifier, "strong")))
        facts.append((" ", f"{part.type}\n“{part.detail}”"))
    if problem.where:
        facts.append(("Where", problem.where))
    return facts


class ErrorScreen(Page):
    """The error behind the key ``!``; ``y`` copies all of it."""

    KEY_LINE: ClassVar[tuple[str, ...]] = ("help", "copy", "back")

    def __init__(self, title: str, problem: Problem, at: datetime | None = None) -> None:
        super().__init__()
        self.title_line.show_crumbs("Error", f"{title} {when(at)}" if at else title)
        self._problem = problem
        self._details = Details(label_width=7)

    def body(self) -> ComposeResult:
        yield self.status_line
        yield self._details

    def on_mount(self) -> None:
        self._details.show(problem_facts(self._problem))

    def copied(self) -> str:
        return self._details.text
