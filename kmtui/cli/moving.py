"""``kmtui cert move``: certificates issued anew by another CA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli.outcome import FAILED, batch_exit_code
from kmtui.cli.output import Output, table
from kmtui.cli.session import with_core
from kmtui.cli.waiting import seen_through

if TYPE_CHECKING:
    from kmtui.core.abilities import Finding
    from kmtui.core.core import Core
    from kmtui.core.moving import Move, Removal


def move(
    context: typer.Context,
    certificates: Annotated[
        list[str],
        typer.Argument(metavar="CERT", help="Labels, ids, or names that only one has."),
    ],
    account: Annotated[str, typer.Option(metavar="A", help="Account at the other CA.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what fits there; ask for nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although our count of the CA's limits is used up.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait; then it is parked.")
    ] = 300,
) -> int:
    """Have certificates issued anew by another CA, and renewed there from then on.

    What the other CA takes is looked at first, for each. The old version serves until the new one
    is saved; the history stays.

    \b
    kmtui cert move shop www.example.org --account le --dry-run
    kmtui cert move shop --account le
    """

    async def act(core: Core, out: Output) -> int:
        removal = await core.moves.plan(certificates, account)
        rows = _rows(removal)
        document = {"moves": [_document(move) for move in removal.moves]}
        if dry_run:
            out.answer(document, rows)
            return batch_exit_code([FAILED if move.obstacle else 0 for move in removal.moves])
        for row in rows:
            out.note(row)
        outcomes = await core.moves.start(removal, force=force, start=not no_wait)
        return await seen_through(core, out, outcomes, None if no_wait else timeout, document)

    return with_core(context, act, change=not dry_run)


def _document(move: Move) -> dict[str, Any]:
    return {
        "certificate": move.certificate.name,
        "possible": move.obstacle is None,
        "findings": [
            {"what": each.what, "ok": each.ok, "text": each.text, "hint": each.hint}
            for each in move.findings
        ],
    }


def _rows(removal: Removal) -> list[str]:
    """A line for each certificate: the obstacle where there is one, else what there is to say."""
    return table(
        ["certificate", f"at {removal.authority.title}", "why"],
        [
            (move.certificate.name, "no" if move.obstacle else "yes", _words(move))
            for move in removal.moves
        ],
    )


def _words(move: Move) -> str:
    said: list[Finding] = [move.obstacle] if move.obstacle else list(move.findings)
    return "; ".join(": ".join(filter(None, (each.text, each.hint))) for each in said)
