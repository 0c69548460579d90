"""From an error to the problem that is stored with a request and shown to an operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kmtui.core.errors import AcmeError, KmtuiError, ValidationFailed
from kmtui.model import Problem, SubProblem


def counted(count: int, noun: str) -> str:
    """``1 name``, ``2 names``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def problem_of(error: KmtuiError) -> Problem:
    """What to store: the CA's own problem with our words added, or our words alone."""
    if error.problem is None:
        return Problem(type=f"kmtui:{error.code}", detail="", what=error.message, hint=error.hint)
    return replace(
        error.problem,
        what=error.message or error.problem.what,
        hint=error.hint or error.problem.hint,
    )


def combined(failures: Sequence[tuple[str, KmtuiError]]) -> KmtuiError:
    """One error for the names that failed together; each name keeps its own words.

    What the CA said of a name comes before what merely kept us from hearing it.
    """
    failures = sorted(failures, key=lambda failure: not isinstance(failure[1], ValidationFailed))
    identifier, first = failures[0]
    kind = type(first) if isinstance(first, AcmeError) else AcmeError
    parts = tuple(_part(name, error) for name, error in failures)
    problem = problem_of(first)
    if len(failures) == 1:
        message = first.message if identifier in first.message else f"{identifier}: {first.message}"
        return kind(
            message,
            hint=first.hint,
            problem=replace(problem, subproblems=problem.subproblems or parts),
        )
    names = ", ".join(name for name, _ in failures)
    return kind(
        f"{len(failures)} names were not proved: {names}",
        hint=first.hint,
        problem=replace(problem, subproblems=parts),
    )


def _part(name: str, error: KmtuiError) -> SubProblem:
    problem = problem_of(error)
    return SubProblem(identifier=name, type=problem.type, detail=problem.detail or error.message)
