"""``kmtui mapping``: which names are proved how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, table
from kmtui.cli.session import with_core
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("Which names are proved how.")

Pattern = Annotated[
    str,
    typer.Argument(
        metavar="PATTERN",
        help="example.org (that name), *.example.org (all below) or .example.org (both).",
    ),
]


@app.command("add")
def add(
    context: typer.Context,
    pattern: Pattern,
    dns: Annotated[
        str | None, typer.Option(metavar="DNSACCOUNT", help="Prove by dns-01 through this one.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="SERVER", help="Prove by http-01 through this one.")
    ] = None,
    alias: Annotated[
        str | None, typer.Option(metavar="FQDN", help="Where _acme-challenge's CNAME leads.")
    ] = None,
    webroot: Annotated[
        str | None, typer.Option(metavar="DIR", help="Web root of these names on the server.")
    ] = None,
) -> int:
    """Map names to a DNS account or an end server; the longest match wins.

    \b
    kmtui mapping add .example.org --dns ns1
    kmtui mapping add www.example.org --server web
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.mappings.add(pattern, dns=dns, server=server, alias=alias, webroot=webroot)
        out.answer(
            {"mapping": documents.mapping(row)},
            [one_line(f"{row.pattern}: {row.challenge_type} by {row.dns_account or row.server}")],
        )

    return with_core(context, act, change=True)


@app.command("list")
def list_mappings(context: typer.Context) -> int:
    """List the mappings.

    \b
    kmtui mapping list
    """

    async def act(core: Core, out: Output) -> None:
        rows = await core.mappings.all()
        out.answer(
            {"mappings": [documents.mapping(row) for row in rows]},
            table(
                ["pattern", "challenge", "by", "alias", "web root"],
                [
                    (
                        row.pattern,
                        row.challenge_type,
                        row.dns_account or row.server,
                        row.alias,
                        row.webroot,
                    )
                    for row in rows
                ],
            ),
        )

    return with_core(context, act)


@app.command("delete")
def delete(context: typer.Context, pattern: Pattern) -> int:
    """Remove the mappings of a pattern.

    \b
    kmtui mapping delete .example.org
    """

    async def act(core: Core, out: Output) -> None:
        await core.mappings.delete(pattern)
        out.answer({"deleted": pattern}, [f"mapping {one_line(pattern)} is deleted"])

    return with_core(context, act, change=True)
