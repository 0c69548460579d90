"""``kmtui account``: ACME accounts at CAs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, facts, table
from kmtui.cli.session import with_core
from kmtui.cli.values import read_text
from kmtui.model import Account, KeyType
from kmtui.status import when

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("ACME accounts at CAs.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the account.")]


@app.command("register")
def register(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of your choice.")],
    ca: Annotated[str, typer.Option(metavar="CA", help="As `ca list` shows it.")],
    email: Annotated[
        str | None, typer.Option(metavar="A", help="Where the CA may write to.")
    ] = None,
    agree_tos: Annotated[
        bool, typer.Option("--agree-tos", help="You agree to the CA's terms of service.")
    ] = False,
    key_type: Annotated[
        KeyType, typer.Option(help="Key of the account; not of its certificates.")
    ] = KeyType.EC256,
    eab_kid: Annotated[
        str | None, typer.Option(metavar="K", help="Key id of an external account binding.")
    ] = None,
    eab_hmac_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with its HMAC key, base64url.")
    ] = None,
) -> int:
    """Register an account at a CA.

    \b
    kmtui account register main --ca letsencrypt --email ops@example.org --agree-tos
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.accounts.register(
            name,
            ca=ca,
            email=email,
            agree_tos=agree_tos,
            key_type=key_type,
            eab_kid=eab_kid,
            eab_hmac=read_text(eab_hmac_file, "eab-hmac-file") if eab_hmac_file else None,
        )
        out.answer({"account": documents.account(row)}, _lines(row))

    return with_core(context, act, change=True)


@app.command("list")
def list_accounts(context: typer.Context) -> int:
    """List the accounts."""

    async def act(core: Core, out: Output) -> None:
        rows = await core.accounts.all()
        out.answer(
            {"accounts": [documents.account(row) for row in rows]},
            table(
                ["name", "ca", "status", "e-mail", "key", "certs", "account url"],
                [
                    (
                        row.name,
                        row.ca,
                        row.status,
                        row.email,
                        row.key_type,
                        row.certificates,
                        row.account_url,
                    )
                    for row in rows
                ],
            ),
        )

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, name: Name) -> int:
    """Show one account."""

    async def act(core: Core, out: Output) -> None:
        row = await core.accounts.get(name)
        out.answer({"account": documents.account(row)}, _lines(row))

    return with_core(context, act)


def _lines(row: Account) -> list[str]:
    return facts(
        [
            ("Name", row.name),
            ("CA", row.ca),
            ("Status", row.status),
            ("E-mail", row.email),
            ("Account URL", row.account_url),
            ("Directory", row.directory_url),
            ("Key", row.key_type),
            ("Thumbprint", row.key_thumbprint),
            ("Terms", row.terms_url),
            ("Agreed", row.terms_agreed_at and when(row.terms_agreed_at)),
            ("Created", when(row.created_at)),
            ("Certificates", row.certificates),
        ]
    )
