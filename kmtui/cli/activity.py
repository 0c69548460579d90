"""``kmtui activity``: the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, table
from kmtui.cli.pages import every_page
from kmtui.cli.session import with_core
from kmtui.cli.values import duration
from kmtui.core.errors import InvalidInput
from kmtui.model import Activity
from kmtui.status import when

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group()


@app.command("activity")
def activity(
    context: typer.Context,
    since: Annotated[
        str | None, typer.Option(metavar="T", help="From this day (2026-10-01) or so long: 7d.")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option("--object", metavar="X", help="About this name or id only."),
    ] = None,
    filter: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Words, !word, who:, what:, on:, outcome:, as on the screen."
        ),
    ] = "",
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most so many lines.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Look for lines that were changed or taken out; 1 if any."),
    ] = False,
) -> int:
    """Show what anyone ever did, newest first.

    With --verify the whole trail is read; with the vault open also what was sealed of it before.

    \b
    kmtui activity --since 7d
    kmtui activity --object shop
    kmtui activity --filter outcome:interrupted
    kmtui activity --verify
    """
    if verify:
        return with_core(context, _verify)

    async def act(core: Core, out: Output) -> None:
        start = _moment(since) if since else None
        rows: list[Activity] = []
        async for row in every_page(core.activity.page, text=filter):
            if (start is not None and row.at < start) or len(rows) == limit:
                break
            if about is None or about in (row.object_name, row.object_id):
                rows.append(row)
        out.answer(
            {"activity": [documents.activity(row) for row in rows]},
            table(
                ["when", "who", "from", "action", "object", "outcome", "detail"],
                [
                    (
                        *(when(row.at), row.actor, row.origin, row.action),
                        *(row.object_name, row.outcome, row.detail),
                    )
                    for row in rows
                ],
            ),
        )

    return with_core(context, act)


async def _verify(core: Core, out: Output) -> int:
    found = await core.activity.prove()
    out.answer(
        {
            "verification": {
                "intact": found.intact,
                "lines": found.lines,
                "broken_at": found.broken_at,
                "sealed_at": documents.moment(found.sealed_at),
                "sealed_line": found.sealed_line,
                "sealed_holds": found.sealed_holds,
            }
        },
        found.sentences,
    )
    return 0 if found.intact else 1


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - duration(text, "since")
        except InvalidInput as exc:
            raise InvalidInput(
                f"{text!r} is neither a day nor a duration",
                field="since",
                hint="2026-10-01, 2026-10-01T07:12Z or 7d",
            ) from exc
    return found if found.tzinfo else found.replace(tzinfo=UTC)
