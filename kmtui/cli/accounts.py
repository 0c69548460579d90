"""``kmtui account``: ACME accounts at CAs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import account_changes, documents
from kmtui.cli.group import group
from kmtui.cli.outcome import batch_exit_code, exit_code
from kmtui.cli.output import Output, error_document, facts, table
from kmtui.cli.reports import answer_report
from kmtui.cli.resume import ended
from kmtui.cli.session import with_core
from kmtui.cli.values import read_text
from kmtui.cli.watch import watching
from kmtui.core.errors import InvalidInput
from kmtui.model import Account, KeyType, Request
from kmtui.status import when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.ledger import Standing

app = group("ACME accounts at CAs.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the account.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="A name of your choice.")]
Ca = Annotated[str, typer.Option(metavar="CA", help="As `ca list` shows it.")]
EabKid = Annotated[
    str | None, typer.Option(metavar="K", help="Key id of an external account binding.")
]
EabHmacFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File with its HMAC key, base64url.")
]


@app.command("register")
def register(
    context: typer.Context,
    name: NewName,
    ca: Ca,
    email: Annotated[
        str | None, typer.Option(metavar="A", help="Where the CA may write to.")
    ] = None,
    agree_tos: Annotated[
        bool, typer.Option("--agree-tos", help="You agree to the CA's terms of service.")
    ] = False,
    key_type: Annotated[
        KeyType, typer.Option(help="Key of the account; not of its certificates.")
    ] = KeyType.EC256,
    eab_kid: EabKid = None,
    eab_hmac_file: EabHmacFile = None,
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
        _answer(out, row)

    return with_core(context, act, change=True)


@app.command("add")
def add(
    context: typer.Context,
    name: NewName,
    ca: Ca,
    key: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Its key: PEM or JWK, or what certbot, lego, acme.sh or Caddy keep of it.",
        ),
    ],
    eab_kid: EabKid = None,
    eab_hmac_file: EabHmacFile = None,
) -> int:
    """Find an account by its exported key.

    None is ever registered.

    \b
    kmtui account add main --ca letsencrypt --key main.pem
    kmtui account add old --ca letsencrypt --key /etc/letsencrypt/accounts/…/private_key.json
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.accounts.add(
            name,
            ca=ca,
            key=key,
            eab_kid=eab_kid,
            eab_hmac=read_text(eab_hmac_file, "eab-hmac-file") if eab_hmac_file else None,
        )
        _answer(out, row)

    return with_core(context, act, change=True)


@app.command("list")
def list_accounts(context: typer.Context) -> int:
    """List the accounts.

    \b
    kmtui account list
    """

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
    """Show one account, its limits, what renews with it.

    \b
    kmtui account show main
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.accounts.get(name)
        limits = await core.accounts.standings(row.id)
        renewing = await core.accounts.renewing(row.id)
        document = {
            **documents.account(row),
            "limits": [_limit(each) for each in limits],
            "renewing": renewing,
        }
        more = facts(
            [
                ("Renewing", renewing),
                *[
                    ("Limit" if at == 0 else "", _limit_line(each))
                    for at, each in enumerate(limits)
                ],
            ]
        )
        out.answer({"account": document}, [*_lines(row), *more])

    return with_core(context, act)


@app.command("test")
def try_account(context: typer.Context, name: Name) -> int:
    """Ask the CA about an account; 1 when something is wrong.

    \b
    kmtui account test main
    """

    async def act(core: Core, out: Output) -> int:
        return answer_report(out, "account", name, await core.accounts.test(name))

    return with_core(context, act, change=True)


@app.command("update")
def update(
    context: typer.Context,
    name: Name,
    email: Annotated[
        str | None,
        typer.Option(metavar="A", help="Another e-mail address; an empty one takes it away."),
    ] = None,
    agree_tos: Annotated[
        bool,
        typer.Option("--agree-tos", help="You agree to the CA's terms of service as they are now."),
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for requests.")
    ] = 300,
) -> int:
    """Change the e-mail address, or agree to changed terms.

    After an agreement the requests go on that the CA refused for want of it.

    \b
    kmtui account update main --email ops@example.org
    kmtui account update main --agree-tos
    """
    if email is None and not agree_tos:
        raise InvalidInput("nothing to change", field="email", hint="--email A or --agree-tos")

    async def act(core: Core, out: Output) -> int:
        if email is not None:
            await core.accounts.update(name, email=email)
        if not agree_tos:
            _answer(out, await core.accounts.get(name))
            return 0
        return await _agree(core, out, name, timeout)

    return with_core(context, act, change=True)


app.command("export-key")(account_changes.export_key)
app.command("roll-key")(account_changes.roll_key)
app.command("delete")(account_changes.delete)
app.command("deactivate")(account_changes.deactivate)


async def _agree(core: Core, out: Output, name: str, seconds: float) -> int:
    asked = await core.terms.asked(name)
    out.note(f"agreeing to {asked.url}")
    for link in asked.links:
        out.note(f"the CA also wants this page to be visited: {link}")
    agreed = await core.terms.agree(name, asked.url)
    async with watching(core, out, agreed.requests):
        seen = await asyncio.gather(*(ended(core, each, seconds) for each in agreed.requests))
    row = await core.accounts.get(name)
    refused = [{"request": each.number, **error_document(error)} for each, error in agreed.refused]
    out.answer(
        {
            "account": documents.account(row),
            "requests": [documents.request(each) for each in seen],
            "refused": refused,
        },
        [
            *_lines(row),
            *_request_lines(seen),
            *(f"#{each.number} not taken up: {one_line(str(why))}" for each, why in agreed.refused),
        ],
    )
    return batch_exit_code([*(exit_code(each) for each in seen), *[1] * len(refused)])


def _request_lines(requests: Sequence[Request]) -> list[str]:
    shown = [(each.number, each.names, each.status, each.version) for each in requests]
    return ["", *table(["#", "names", "status", "version"], shown)] if shown else []


def _answer(out: Output, row: Account) -> None:
    out.answer({"account": documents.account(row)}, _lines(row))


def _limit(standing: Standing) -> documents.Document:
    limit = standing.limit
    return {
        "what": limit.what,
        "per": limit.per,
        "scope": None if limit.per == "account" else standing.scope,
        "used": standing.used,
        "most": limit.most,
        "hours": limit.hours,
        "free_at": documents.moment(standing.free_at),
    }


def _limit_line(standing: Standing) -> str:
    free = f"; free again {when(standing.free_at)}" if standing.free_at else ""
    return f"{standing}{free}"


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
            ("Key change", "not finished: kmtui resume" if row.key_changing else ""),
            ("Terms", row.terms_url),
            ("Agreed", row.terms_agreed_at and when(row.terms_agreed_at)),
            ("Here since", when(row.created_at)),
            ("Certificates", row.certificates),
        ]
    )
