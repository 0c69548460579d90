"""``kmtui server``: end servers that answer http-01."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, facts, table
from kmtui.cli.reports import answer_report
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes, secrets, settings
from kmtui.core.errors import InvalidInput
from kmtui.model import EndServer
from kmtui.status import when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("End servers that answer http-01.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the end server.")]


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of your choice.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help="local or standalone.")],
    webroot: Annotated[
        str | None, typer.Option(metavar="DIR", help="What the web server serves as /.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to listen; :PORT is everywhere.")
    ] = None,
    probe: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Look here before the CA does.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="K=V", help="Another setting; repeatable.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="K=REF", help="A secret: K=@FILE, K=env:VAR or K=cmd:COMMAND."),
    ] = None,
) -> int:
    """Set up an end server.

    \b
    kmtui server add web --kind local --webroot /var/www/html
    kmtui server add builtin --kind standalone --listen :80
    """

    async def act(core: Core, out: Output) -> None:
        named = {"webroot": webroot, "listen": listen, "probe": probe}
        given = settings(setting or ())
        for key, value in named.items():
            if value is not None:
                if key in given:
                    raise InvalidInput(f"{key} is given twice", field=key)
                given[key] = value
        row = await core.end_servers.add(
            name, kind=kind, settings=given, secrets=secrets(secret or (), os.environ)
        )
        out.answer({"server": documents.server(row)}, _lines(row))

    return with_core(context, act, change=True)


@app.command("list")
def list_servers(context: typer.Context) -> int:
    """List the end servers."""

    async def act(core: Core, out: Output) -> None:
        rows = await core.end_servers.all()
        out.answer(
            {"servers": [documents.server(row) for row in rows]},
            table(
                ["name", "kind", "where", "mappings", "last test"],
                [(row.name, row.kind, _where(row), row.mapped, _tested(row)) for row in rows],
            ),
        )

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, name: Name) -> int:
    """Show one end server; of its secrets only the names."""

    async def act(core: Core, out: Output) -> None:
        row = await core.end_servers.get(name)
        out.answer({"server": documents.server(row)}, _lines(row))

    return with_core(context, act)


@app.command("test")
def try_server(context: typer.Context, name: Name) -> int:
    """Try what a challenge would need; 1 when something does not work."""

    async def act(core: Core, out: Output) -> int:
        return answer_report(out, "server", name, await core.end_servers.test(name))

    return with_core(context, act, change=True)


@app.command("delete")
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
) -> int:
    """Remove an end server that no mapping uses."""
    require_yes(yes, f"delete end server {name}")

    async def act(core: Core, out: Output) -> None:
        row = await core.end_servers.get(name)
        await core.end_servers.delete(row.id)
        out.answer(
            {"server": documents.server(row)}, [f"end server {one_line(row.name)} is deleted"]
        )

    return with_core(context, act, change=True)


def _where(row: EndServer) -> str:
    return row.settings.get("webroot") or row.settings.get("listen", "")


def _tested(row: EndServer) -> str:
    if row.last_test_at is None:
        return "never"
    return f"{'ok' if row.last_test_ok else 'FAILED'} {when(row.last_test_at)}"


def _lines(row: EndServer) -> list[str]:
    return facts(
        [
            ("Name", row.name),
            ("Kind", row.kind),
            *row.settings.items(),
            ("Secrets", row.secret_names),
            ("Mappings", row.mapped),
            ("Created", when(row.created_at)),
            ("Last test", _tested(row)),
            ("", row.last_test_detail if row.last_test_ok is False else ""),
        ]
    )
