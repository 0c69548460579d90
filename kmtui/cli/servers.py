"""``kmtui server``: end servers that answer http-01 and receive certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli import server_options as options
from kmtui.cli.group import group
from kmtui.cli.output import Output, facts, table
from kmtui.cli.reports import answer_report
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes
from kmtui.core.errors import EndServerError, InvalidInput
from kmtui.model import EndServer
from kmtui.status import when
from kmtui.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kmtui.core.core import Core
    from kmtui.core.servers.server import EndServer as Kind

app = group("End servers that answer http-01 and receive certificates.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the end server.")]


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of your choice.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help="local, ssh or standalone.")],
    webroot: options.Webroot = None,
    listen: options.Listen = None,
    probe: options.Probe = None,
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    identity: options.Identity = None,
    password_file: options.PasswordFile = None,
    agent: options.Agent = None,
    host_key: options.HostKey = None,
    known_hosts: options.KnownHosts = None,
    sudo: options.Sudo = None,
    setting: options.Setting = None,
    secret: options.Secret = None,
) -> int:
    """Set up an end server.

    \b
    kmtui server add web --kind local --webroot /var/www/html
    kmtui server add builtin --kind standalone --listen :80
    kmtui server add web1 --kind ssh --host web1.example.org --user deploy \\
        --identity ~/.ssh/id_ed25519 --host-key 'SHA256:…' --webroot /var/www/html
    """

    async def act(core: Core, out: Output) -> None:
        wanted, hidden = options.given(context.params)
        with options.naming_options():
            try:
                row = await core.end_servers.add(name, kind=kind, settings=wanted, secrets=hidden)
            except InvalidInput as error:
                if error.field == "host_key" and "host_key" not in wanted:
                    await _tell_offered_key(core, wanted, error)
                raise
        out.answer({"server": documents.server(row)}, _lines(row))

    return with_core(context, act, change=True)


@app.command("update")
def update(
    context: typer.Context,
    name: Name,
    webroot: options.Webroot = None,
    listen: options.Listen = None,
    probe: options.Probe = None,
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    identity: options.Identity = None,
    password_file: options.PasswordFile = None,
    agent: options.Agent = None,
    host_key: options.HostKey = None,
    known_hosts: options.KnownHosts = None,
    sudo: options.Sudo = None,
    setting: options.Setting = None,
    secret: options.Secret = None,
) -> int:
    """Change what is given; an empty value takes a setting away.

    Another key, password or agent takes the place of the former one.

    \b
    kmtui server update web1 --host-key 'SHA256:…'
    kmtui server update web1 --webroot '' --sudo
    """

    async def act(core: Core, out: Output) -> None:
        wanted, hidden = options.given(context.params)
        if not (wanted or hidden):
            raise InvalidInput("nothing is given to change", hint="name an option: --webroot DIR")
        plain, sealed = options.replaced(wanted, hidden)
        with options.naming_options():
            row = await core.end_servers.update(name, settings=plain, secrets=sealed)
        out.answer({"server": documents.server(row)}, _lines(row))

    return with_core(context, act, change=True)


@app.command("list")
def list_servers(context: typer.Context) -> int:
    """List the end servers.

    \b
    kmtui server list
    """

    async def act(core: Core, out: Output) -> None:
        rows = await core.end_servers.all()
        kinds = {kind.kind: kind for kind in core.end_servers.kinds()}
        out.answer(
            {"servers": [documents.server(row) for row in rows]},
            table(
                ["name", "kind", "where", "mappings", "last test"],
                [
                    (row.name, row.kind, _where(row, kinds), row.mapped, _tested(row))
                    for row in rows
                ],
            ),
        )

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, name: Name) -> int:
    """Show one end server; of its secrets only the names.

    \b
    kmtui server show web1
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.end_servers.get(name)
        out.answer({"server": documents.server(row)}, _lines(row))

    return with_core(context, act)


@app.command("test")
def try_server(context: typer.Context, name: Name) -> int:
    """Try what a challenge would need; 1 when something does not work.

    \b
    kmtui server test web1
    """

    async def act(core: Core, out: Output) -> int:
        return answer_report(out, "server", name, await core.end_servers.test(name))

    return with_core(context, act, change=True)


@app.command("delete")
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
) -> int:
    """Remove an end server that no mapping uses.

    \b
    kmtui server delete web1 --yes
    """
    require_yes(yes, f"delete end server {name}")

    async def act(core: Core, out: Output) -> None:
        row = await core.end_servers.get(name)
        await core.end_servers.delete(row.id)
        out.answer(
            {"server": documents.server(row)}, [f"end server {one_line(row.name)} is deleted"]
        )

    return with_core(context, act, change=True)


async def _tell_offered_key(core: Core, wanted: dict[str, str], error: InvalidInput) -> None:
    """Say which key the server shows to whom it does not know, when it can be asked."""
    try:
        key = await core.end_servers.host_key(wanted.get("host", ""), wanted.get("port", ""))
    except (InvalidInput, EndServerError):
        return
    error.hint = (
        f"it shows {key}; compare that on its console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub),"
        f" then give --host-key '{key.sha256}', or --known-hosts FILE"
    )


def _where(row: EndServer, kinds: Mapping[str, type[Kind]]) -> str:
    return kinds[row.kind].where(row.settings) if row.kind in kinds else ""


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
