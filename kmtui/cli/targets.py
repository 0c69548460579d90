"""``kmtui target``: where certificates are put, and what is served there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli import deploying
from kmtui.cli import target_report as report
from kmtui.cli.group import group
from kmtui.cli.outcome import batch_exit_code
from kmtui.cli.output import Output, table
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes
from kmtui.model import TargetLayout
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("Where certificates are put, and what is served there.")

Certificate = Annotated[
    str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the target.")]
Owner = Annotated[
    str | None, typer.Option(metavar="U:G", help="Whose files they are; else the login's.")
]
Mode = Annotated[
    str | None, typer.Option(metavar="0640", help="Of files with the key; never for everybody.")
]
Check = Annotated[
    str | None, typer.Option(metavar="CMD", help="Must succeed before a reload: nginx -t.")
]
Reload = Annotated[str | None, typer.Option(metavar="CMD", help="Makes the server load the files.")]
Verify = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where to see what is served.")
]


@app.command("add")
def add(
    context: typer.Context,
    certificate: Certificate,
    name: Name,
    server: Annotated[str | None, typer.Option(metavar="S", help="End server.")] = None,
    dir_: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="Directory there, of its own.")
    ] = None,
    layout: Annotated[
        TargetLayout | None,
        typer.Option(
            help="pair: privkey.pem and fullchain.pem. combined: one file, NAME.pem. "
            "versioned: current/privkey.pem and so on."
        ),
    ] = None,
    owner: Owner = None,
    mode: Mode = None,
    check: Check = None,
    reload: Reload = None,
    verify: Verify = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over files that are there already.")
    ] = False,
    exec_: Annotated[
        str | None,
        typer.Option("--exec", metavar="CMD", help="Instead: a command that puts the files."),
    ] = None,
) -> int:
    """Say where a certificate belongs. It is put there by `cert deploy`, and after each renewal.

    A command given with --exec is run on this machine without a shell; KMTUI_PRIVKEY, KMTUI_CERT,
    KMTUI_CHAIN, KMTUI_FULLCHAIN and KMTUI_COMBINED in its environment are paths of files that are
    there while it runs, KMTUI_CERTIFICATE, KMTUI_TARGET, KMTUI_VERSION, KMTUI_NAMES, KMTUI_SERIAL,
    KMTUI_SHA256 and KMTUI_NOT_AFTER tell the rest. It ends with 0 when the files are in effect.

    \b
    kmtui target add shop web1 --server web1 --dir /etc/nginx/tls/shop \\
        --check 'nginx -t' --reload 'systemctl reload nginx' --verify shop.example.org
    kmtui target add shop lb --exec '/usr/local/bin/put-certificate --to lb1'
    """
    given = {
        "server": server,
        "hook": exec_,
        "directory": dir_,
        "layout": layout,
        "adopt": adopt or None,
        **_settings(owner, mode, check, reload, verify),
    }

    async def act(core: Core, out: Output) -> None:
        settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        target = await core.targets.add(certificate, name, **settings)
        out.answer(
            {"target": report.target(target)},
            [*report.target_facts(target), *report.next_step(target)],
        )

    return with_core(context, act, change=True)


@app.command("update")
def update(
    context: typer.Context,
    certificate: Certificate,
    name: Name,
    owner: Owner = None,
    mode: Mode = None,
    check: Check = None,
    reload: Reload = None,
    verify: Verify = None,
    adopt: Annotated[
        bool | None, typer.Option("--adopt/--no-adopt", help="Take over files that are there.")
    ] = None,
) -> int:
    """Change settings of a target; an empty word takes one away. It is deployed to again.

    Another place is another target: delete this one and add that.

    \b
    kmtui target update shop web1 --reload 'systemctl reload nginx'
    """
    given = {**_settings(owner, mode, check, reload, verify), "adopt": adopt}

    async def act(core: Core, out: Output) -> None:
        changes = {key: value for key, value in given.items() if value is not None}
        target = await core.targets.update(certificate, name, **changes)
        out.answer(
            {"target": report.target(target)},
            [*report.target_facts(target), *report.next_step(target)],
        )

    return with_core(context, act, change=True)


@app.command("list")
def list_targets(
    context: typer.Context,
    certificate: Annotated[
        str | None, typer.Argument(metavar="[CERT]", help="Only those of one certificate.")
    ] = None,
) -> int:
    """List targets and how they stand.

    \b
    kmtui target list
    kmtui target list shop
    """

    async def act(core: Core, out: Output) -> None:
        rows = await (
            core.targets.of_certificate(certificate) if certificate else core.targets.all()
        )
        out.answer({"targets": [report.target(row) for row in rows]}, report.target_lines(rows))

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, certificate: Certificate, name: Name) -> int:
    """Show a target, where its files are, and its last deployments.

    \b
    kmtui target show shop web1
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.targets.get(certificate, name)
        history = await core.targets.history(certificate, name)
        out.answer(
            {
                "target": report.target(row),
                "deployments": [report.deployment(attempt) for attempt in history],
            },
            [
                *report.target_facts(row),
                *report.next_step(row),
                *(["", *report.history_lines(history)] if history else []),
            ],
        )

    return with_core(context, act)


@app.command("delete")
def delete(
    context: typer.Context,
    certificate: Certificate,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
) -> int:
    """Forget a target; the files stay where they are.

    \b
    kmtui target delete shop web1 --yes
    """
    require_yes(yes, f"forget target {name} of {certificate}")

    async def act(core: Core, out: Output) -> None:
        row = await core.targets.delete(certificate, name)
        out.answer(
            {"target": report.target(row)},
            [one_line(f"target {row.name} of {row.certificate} is forgotten; its files stay")],
        )

    return with_core(context, act, change=True)


@app.command("verify")
def verify(
    context: typer.Context,
    certificate: Annotated[
        str | None, typer.Argument(metavar="[CERT]", help="Only those of one certificate.")
    ] = None,
) -> int:
    """Look what is served now; 0 when it is what should be, 1 when not, 3 when here and there.

    \b
    kmtui target verify
    kmtui target verify shop
    """

    async def act(core: Core, out: Output) -> int:
        seen = await core.deployments.verify(certificate)
        out.answer(
            {
                "targets": [
                    {**report.target(row), "served": served and report.served(served)}
                    for row, served in seen
                ]
            },
            table(
                ["certificate", "target", "outcome", "what"],
                [
                    (
                        row.certificate,
                        row.name,
                        served.outcome if served else "not looked at",
                        served.detail if served else report.why_not_looked_at(row),
                    )
                    for row, served in seen
                ],
            ),
        )
        return batch_exit_code(
            [
                0 if served.outcome == "verified" else deploying.FAILED
                for _, served in seen
                if served
            ]
        )

    return with_core(context, act)


def _settings(
    owner: str | None, mode: str | None, check: str | None, reload: str | None, verify: str | None
) -> dict[str, Any]:
    """Options that `add` and `update` share, as the core calls them; None: not given."""
    from kmtui.core.deployment.settings import parse_mode

    return {
        "owner": owner,
        "mode": None if mode is None else parse_mode(mode),
        "check_command": check,
        "reload_command": reload,
        "verify": verify,
    }
