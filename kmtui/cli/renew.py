"""``kmtui renew --due``: the unattended run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli import deploying, documents, target_report
from kmtui.cli.group import group
from kmtui.cli.outcome import FAILED, batch_exit_code, exit_code, summary
from kmtui.cli.output import Output, counted, table
from kmtui.cli.session import with_core
from kmtui.core.errors import InvalidInput
from kmtui.model import Verdict
from kmtui.status import request_cell, when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.renewal import RenewalRun
    from kmtui.core.successors import Outcome

app = group()


@app.command("renew")
def renew(
    context: typer.Context,
    due: Annotated[
        bool, typer.Option("--due", help="Renew whatever is due; one certificate: cert renew.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is due and why; change and ask nothing.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="At most so many, however many are due."),
    ] = None,
) -> int:
    """Renew what is due, put it where it belongs, take up what was cut off: the unattended run.

    \b
    kmtui renew --due
    kmtui renew --due --dry-run
    """
    if not due:
        raise InvalidInput(
            "say --due", field="due", hint="kmtui cert renew CERT renews a certificate by hand"
        )

    async def act(core: Core, out: Output) -> int:
        started = time.monotonic()
        run = await core.unattended.run(limit=limit, dry_run=dry_run)
        for note in run.notes:
            out.note(f"kmtui: {note}")
        codes = [code_of(outcome) for outcome in run.outcomes]
        totals = summary(codes, time.monotonic() - started) | deploying.counts(run.deployed)
        is_due = sum(verdict.due for verdict in run.verdicts)
        out.answer(
            {
                "due": is_due,
                "put_off": run.put_off,
                "held_by": run.held_by,
                "notes": list(run.notes),
                "certificates": [documents.verdict(verdict) for verdict in run.verdicts],
                "requests": [document_of(outcome) for outcome in run.outcomes],
                "purged": [row.name for row in run.purged],
                "notified": run.notified or None,
                "targets": [target_report.target(target) for target in run.deployed],
                "summary": totals,
            },
            _lines(run, is_due),
        )
        return batch_exit_code([*codes, *map(deploying.code_of, run.deployed)])

    return with_core(context, act, change=not dry_run)


def code_of(outcome: Outcome) -> int:
    """The exit code that one renewal alone would have."""
    return FAILED if outcome.request is None else exit_code(outcome.request)


def document_of(outcome: Outcome) -> dict[str, Any]:
    """A renewal as a request; one that was refused has no number."""
    if outcome.request is not None:
        return documents.request(outcome.request)
    error = outcome.error
    return {
        "id": None,
        "certificate": outcome.certificate.name,
        "names": list(outcome.certificate.names),
        "status": "failed",
        "version": None,
        "error": error
        and {
            "type": f"kmtui:{error.code}",
            "detail": error.message,
            "hint": error.hint,
            "subproblems": [],
        },
    }


def outcome_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """A table of renewals and how they ended."""
    return table(
        ["#", "certificate", "status", "version", "why"], [_row(outcome) for outcome in outcomes]
    )


def _row(outcome: Outcome) -> tuple[object, ...]:
    name, request, error = outcome.certificate.name, outcome.request, outcome.error
    if request is None:
        why = f"{error.message}; {error.hint}".rstrip("; ") if error else ""
        return (None, name, "refused", None, why)
    return (request.number, name, request.status, request.version, request_cell(request)[0])


def _lines(run: RenewalRun, is_due: int) -> list[str]:
    if run.held_by is not None:
        who = f"pid {run.held_by}" if run.held_by else "of another process"
        return [f"another run, {who}, is at work"]
    lines = table(
        ["certificate", "due", "since / from", "why"],
        [_verdict_row(verdict) for verdict in run.verdicts],
    )
    if run.outcomes:
        lines += ["", *outcome_lines(run.outcomes)]
    if run.deployed:
        lines += ["", *target_report.target_lines(run.deployed)]
    lines += [
        f"the keys of a deleted certificate are destroyed: {one_line(row.name)}"
        for row in run.purged
    ]
    left = f", {run.put_off} left for the next run" if run.put_off else ""
    return [*lines, "", f"{counted(len(run.verdicts), 'certificate')}, {is_due} due{left}"]


def _verdict_row(verdict: Verdict) -> tuple[object, ...]:
    why = verdict.why if not verdict.proposal else f"{verdict.why} ({verdict.proposal})"
    at = verdict.at and when(verdict.at)
    return (verdict.certificate, "due" if verdict.due else verdict.blocked or "no", at, why)
