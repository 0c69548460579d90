"""``kmtui filter``: filters kept under a name, for the screen and for commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, table
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.model import SavedFilter

app = group("Filters kept under a name.")

Of = Annotated[
    str,
    typer.Option(
        "--list",
        metavar="LIST",
        help="certificates, requests, accounts, dns, servers or activity.",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name it is kept under.")]


@app.command("list")
def list_filters(context: typer.Context, of: Of = "certificates") -> int:
    """List the filters of one list, and how many rows each shows now.

    \b
    kmtui filter list
    kmtui filter list --list requests
    """

    async def act(core: Core, out: Output) -> None:
        kept = await core.filters.all(of)
        counts = [await core.filters.count(of, each.text) for each in kept]
        out.answer(
            {"filters": [_document(each, n) for each, n in zip(kept, counts, strict=True)]},
            table(
                ["name", "filter", "sort", "count"],
                [
                    (each.name, each.text, _order(each), number)
                    for each, number in zip(kept, counts, strict=True)
                ],
            ),
        )

    return with_core(context, act)


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The filter, in quotes.")],
    of: Of = "certificates",
    sort: Annotated[str, typer.Option(metavar="WORD", help="The order to show it in.")] = "",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way around.")] = False,
) -> int:
    """Keep a filter under a name, in place of the one that had it.

    \b
    kmtui filter add 'due soon' 'renews:<7d !status:failing' --sort renewal
    kmtui filter add lost 'status:failed since:30d' --list requests
    """

    async def act(core: Core, out: Output) -> None:
        kept = await core.filters.add(of, name, text, sort=sort, descending=reverse)
        number = await core.filters.count(of, kept.text)
        out.answer(
            {"filter": _document(kept, number)},
            [f"{one_line(kept.name)} is kept; it shows {number} now"],
        )

    return with_core(context, act, change=True)


@app.command("delete")
def delete(
    context: typer.Context,
    name: Name,
    of: Of = "certificates",
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
) -> int:
    """Forget a filter; what it shows stays as it is.

    \b
    kmtui filter delete 'due soon' --yes
    """

    async def act(core: Core, out: Output) -> None:
        require_yes(yes, f"forget the filter {name}")
        await core.filters.delete(of, name)
        out.answer({"deleted": name}, [f"{one_line(name)} is forgotten"])

    return with_core(context, act, change=True)


def _order(kept: SavedFilter) -> str:
    return f"{kept.sort} {'v' if kept.descending else '^'}" if kept.sort else ""


def _document(kept: SavedFilter, count: int) -> dict[str, Any]:
    return {
        "list": kept.list,
        "name": kept.name,
        "text": kept.text,
        "sort": kept.sort,
        "descending": kept.descending,
        "count": count,
        "created_at": documents.moment(kept.created_at),
    }
