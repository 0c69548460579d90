"""``kmtui cleanup``: challenge answers that could not be removed yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, counted, table
from kmtui.cli.session import with_core
from kmtui.model import CleanupEntry
from kmtui.status import when

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group()


@app.command("cleanup")
def cleanup(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what is left; remove nothing.")
    ] = False,
) -> int:
    """Remove the TXT records and challenge files that earlier requests left, all of them now.

    Only exact values and contents that kmtui published are removed. The exit code is 1 while
    something is left.

    \b
    kmtui cleanup --dry-run
    kmtui cleanup
    """

    async def act(core: Core, out: Output) -> int:
        cleaned = 0 if dry_run else (await core.recovery.clean_up()).cleaned
        left = await core.recovery.leftovers()
        out.answer(
            {
                "leftovers": [documents.leftover(entry) for entry in left],
                "summary": {"cleaned": cleaned, "left": len(left)},
            },
            _lines(left, cleaned),
        )
        return 1 if left else 0

    return with_core(context, act, change=not dry_run)


def _lines(left: Sequence[CleanupEntry], cleaned: int) -> list[str]:
    lines = [f"{counted(cleaned, 'leftover')} removed"] if cleaned else []
    if not left:
        return [*lines, "nothing is left behind"]
    return lines + table(
        ["what", "where", "since", "tried", "next", "why"],
        [
            (
                entry.kind,
                entry.name,
                when(entry.created_at),
                counted(entry.attempts, "time"),
                entry.next_attempt_at and when(entry.next_attempt_at),
                entry.last_error,
            )
            for entry in left
        ],
    )
