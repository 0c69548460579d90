"""``kmtui ca``: certificate authorities, as the catalogue knows them and as you add them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group
from kmtui.cli.output import Output, facts, table
from kmtui.cli.reports import answer_report
from kmtui.cli.session import with_core
from kmtui.cli.values import read_text
from kmtui.model import Authority, Contact
from kmtui.status import when

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("Certificate authorities: known, retired, your own.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `ca list` shows it.")]


@app.command("list")
def list_authorities(context: typer.Context) -> int:
    """List the CAs; yours first, retired ones last.

    \b
    kmtui ca list
    """

    async def act(core: Core, out: Output) -> None:
        rows = await core.cas.all()
        heard = await core.cas.contacts.all()
        out.answer(
            {"cas": [documents.authority(row, heard.get(row.name)) for row in rows]},
            table(
                ["name", "title", "state", "answers", "days", "eab", "directory"],
                [
                    (
                        row.name,
                        row.title,
                        _state(row),
                        documents.contact_word(row, heard.get(row.name)),
                        row.lifetime_days,
                        row.eab,
                        row.directory_url,
                    )
                    for row in rows
                ],
            ),
        )

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, name: Name) -> int:
    """Show what is known of a CA.

    \b
    kmtui ca show letsencrypt
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.cas.get(name)
        heard = (await core.cas.contacts.all()).get(row.name)
        out.answer({"ca": documents.authority(row, heard)}, [*_lines(row), *_answers(heard)])

    return with_core(context, act)


@app.command("check")
def check(context: typer.Context, name: Name) -> int:
    """Ask a CA for its directory; 1 when it does not answer as an ACME server.

    \b
    kmtui ca check letsencrypt
    """

    async def act(core: Core, out: Output) -> int:
        return answer_report(out, "ca", name, await core.cas.check(name))

    return with_core(context, act)


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    directory: Annotated[
        str, typer.Option(metavar="URL", help="Its ACME directory (RFC 8555 section 7.1.1).")
    ],
    ca_bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM roots to trust instead of the system's."),
    ] = None,
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="HTTP proxy to use.")] = None,
    max_names: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Names one certificate may hold.")
    ] = None,
    single_account: Annotated[
        bool, typer.Option("--single-account", help="It allows one account only.")
    ] = False,
    lifetime_days: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How long its certificates live.")
    ] = None,
) -> int:
    """Add a CA by its directory URL; under a name of `ca list` it takes that one's place.

    \b
    kmtui ca add house --directory https://ca.example.org/acme/directory --ca-bundle root.pem
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.cas.add(
            name,
            directory_url=directory,
            ca_bundle=read_text(ca_bundle, "ca-bundle") if ca_bundle else None,
            proxy=proxy,
            max_names=max_names,
            single_account=single_account,
            lifetime_days=lifetime_days,
        )
        said = f"CA {row.name} is added"
        if row.overrides:
            said += f"; it takes the place of {row.name} as the catalogue knows it"
        out.answer({"ca": documents.authority(row)}, [said])

    return with_core(context, act, change=True)


@app.command("remove")
def remove(context: typer.Context, name: Name) -> int:
    """Forget a CA that you added and where no account is registered.

    \b
    kmtui ca remove house
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.cas.get(name)
        await core.cas.remove(name)
        out.answer({"ca": documents.authority(row)}, [f"CA {row.name} is removed"])

    return with_core(context, act, change=True)


def _state(row: Authority) -> str:
    return f"{row.state} (overridden)" if row.overrides else row.state


def _answers(heard: Contact | None) -> list[str]:
    if heard is None:
        return facts([("Answers", "never asked")])
    failing = f"since {when(heard.failing_since)}: {heard.error}" if heard.failing_since else ""
    return facts(
        [
            ("Answers", heard.word),
            ("Answered last", heard.answered_at and when(heard.answered_at)),
            ("Failing", failing),
        ]
    )


def _lines(row: Authority) -> list[str]:
    retired = row.retired
    return facts(
        [
            ("Name", row.name),
            ("Title", row.title),
            ("State", _state(row)),
            ("Directory", row.directory_url),
            ("Test only", row.test),
            ("EAB", row.eab),
            ("E-mail required", row.email_required),
            ("One account only", row.single_account),
            ("Names at most", row.max_names),
            ("Lifetime (days)", row.lifetime_days),
            ("Challenges", row.challenge_types),
            ("Key types", row.key_types),
            ("Profiles", [profile.name for profile in row.profiles]),
            ("Proxy", row.proxy),
            *[("Limit", text) for text in row.limits],
            *[("Note", text) for text in row.notes],
            ("No new accounts", retired and retired.no_new_accounts),
            ("Last issuance", retired and retired.last_issuance),
            ("Endpoint off", retired and retired.endpoint_off),
            ("Instead", retired and retired.alternatives),
        ]
    )
