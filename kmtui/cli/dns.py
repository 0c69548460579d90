"""``kmtui dns``: DNS accounts that answer dns-01."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group, invocation
from kmtui.cli.output import Output, facts, table
from kmtui.cli.reports import answer_report
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes, secrets, settings
from kmtui.core.errors import InvalidInput
from kmtui.model import DnsAccount
from kmtui.status import when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("DNS accounts that answer dns-01.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the DNS account.")]

Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="K=V", help="A setting; repeatable.")
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret", metavar="K=REF", help="A secret: K=@FILE, K=env:VAR or K=cmd:COMMAND."
    ),
]
Zones = Annotated[
    list[str] | None, typer.Option("--zone", metavar="Z", help="A zone it serves; repeatable.")
]


@app.command("providers")
def providers(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[P]...", help="Which; without, all of them.")
    ] = None,
) -> int:
    """Show what each provider needs: settings, secrets, the smallest right, an example, notes.

    \b
    kmtui dns providers
    kmtui dns providers rfc2136 cloudflare
    """
    from kmtui.cli.providers import provider_lines
    from kmtui.core.dns import registry

    described = [registry.describe(name) for name in names or registry.provider_names()]
    lines = list(provider_lines(described))
    invocation(context).output.answer({"providers": described}, lines)
    return 0


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of your choice.")],
    provider: Annotated[str, typer.Option(metavar="P", help="As `dns providers` shows it.")],
    setting: Settings = None,
    secret: Secrets = None,
    zone: Zones = None,
) -> int:
    """Set up a DNS account.

    \b
    kmtui dns add ns1 --provider rfc2136 --set server=192.0.2.1 --set tsig_name=kmtui. \\
        --secret tsig_secret=@tsig.key --zone example.org
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.dns_accounts.add(
            name,
            provider=provider,
            settings=settings(setting or ()),
            secrets=secrets(secret or (), os.environ),
            zones=zone or [],
        )
        out.answer({"dns_account": documents.dns_account(row)}, _lines(row))

    return with_core(context, act, change=True)


@app.command("list")
def list_dns_accounts(context: typer.Context) -> int:
    """List the DNS accounts.

    \b
    kmtui dns list
    """

    async def act(core: Core, out: Output) -> None:
        rows = await core.dns_accounts.all()
        out.answer(
            {"dns_accounts": [documents.dns_account(row) for row in rows]},
            table(
                ["name", "provider", "zones", "mappings", "last test"],
                [(row.name, row.provider, row.zones, row.used_by, _tested(row)) for row in rows],
            ),
        )

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, name: Name) -> int:
    """Show one DNS account; of its secrets only the names.

    \b
    kmtui dns show ns1
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.dns_accounts.get(name)
        out.answer({"dns_account": documents.dns_account(row)}, _lines(row))

    return with_core(context, act)


@app.command("test")
def try_account(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="NAME", help="Name or id.")],
    name: Annotated[
        str | None, typer.Option(metavar="FQDN", help="A name to test instead of the zones.")
    ] = None,
) -> int:
    """Try the credentials; 1 when something does not work.

    \b
    kmtui dns test ns1 --name www.example.org
    """

    async def act(core: Core, out: Output) -> int:
        lines = await core.dns_accounts.test(account, name=name)
        return answer_report(out, "dns_account", account, lines)

    return with_core(context, act, change=True)


@app.command("update")
def update(
    context: typer.Context,
    name: Name,
    setting: Settings = None,
    secret: Secrets = None,
    zone: Zones = None,
) -> int:
    """Change settings, replace secrets or zones; what is not named stays.

    \b
    kmtui dns update ns1 --set ttl=120 --set zone=        # an empty value takes a setting away
    kmtui dns update ns1 --secret tsig_secret=@new.key
    kmtui dns update ns1 --zone example.org --zone example.net
    """
    if not (setting or secret or zone):
        raise InvalidInput("nothing is to be changed", field="set", hint="--set, --secret, --zone")

    async def act(core: Core, out: Output) -> None:
        row = await core.dns_accounts.update(
            name,
            settings=settings(setting or ()),
            secrets=secrets(secret or (), os.environ, emptied=True),
            zones=zone or None,
        )
        out.answer({"dns_account": documents.dns_account(row)}, _lines(row))

    return with_core(context, act, change=True)


@app.command("delete")
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
) -> int:
    """Remove a DNS account that no mapping uses, and its secrets.

    \b
    kmtui dns delete ns1 --yes
    """
    require_yes(yes, f"delete DNS account {name}")

    async def act(core: Core, out: Output) -> None:
        row = await core.dns_accounts.get(name)
        await core.dns_accounts.delete(row.id)
        out.answer(
            {"dns_account": documents.dns_account(row)},
            [f"DNS account {one_line(row.name)} is deleted"],
        )

    return with_core(context, act, change=True)


def _tested(row: DnsAccount) -> str:
    if row.last_test_at is None:
        return "never"
    return f"{'ok' if row.last_test_ok else 'FAILED'} {when(row.last_test_at)}"


def _lines(row: DnsAccount) -> list[str]:
    return facts(
        [
            ("Name", row.name),
            ("Provider", row.provider),
            ("Zones", row.zones),
            *row.settings.items(),
            ("Secrets", row.secret_names),
            ("Mappings", row.used_by),
            ("Created", when(row.created_at)),
            ("Last test", _tested(row)),
            ("", row.last_test_detail if row.last_test_ok is False else ""),
        ]
    )
