"""``kmtui cert reissue``: the same certificate with other names, another key or another account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli.output import Output
from kmtui.cli.session import with_core
from kmtui.cli.values import Switch, read_text
from kmtui.cli.waiting import seen_through
from kmtui.model import KeyType
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.reissue import Reissue


def reissue(
    context: typer.Context,
    certificate: Annotated[
        str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Option("--domain", "-d", metavar="NAME", help="All its names from now on."),
    ] = None,
    key_type: Annotated[
        KeyType | None, typer.Option(help="Key of the certificate from now on.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="A", help="Account that asks from now on.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="P", help="Profile from now on; empty for none.")
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Chain to prefer, by the name of its top issuer; empty for none."
        ),
    ] = None,
    reuse_key: Annotated[
        Switch | None,
        typer.Option("--reuse-key", help="Whether this and renewals keep the key."),
    ] = None,
    csr: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signing request of a key kept elsewhere.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would differ; ask for nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although our count of the CA's limits is used up.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait; then it is parked.")
    ] = 300,
) -> int:
    """Ask for a changed version; the old one serves, unchanged, until the new one is saved.

    \b
    kmtui cert reissue shop -d shop.example.org -d www.example.org
    kmtui cert reissue shop --key-type rsa2048 --dry-run
    """

    async def act(core: Core, out: Output) -> int:
        planned = await core.reissues.plan(
            certificate,
            names=names or (),
            key_type=key_type,
            account=account,
            profile=profile,
            csr_pem=read_text(csr, "csr") if csr else None,
            preferred_chain=chain,
            reuse_key=None if reuse_key is None else reuse_key == Switch.ON,
        )
        document = {"changes": _document(planned)}
        if dry_run:
            out.answer(document, _lines(planned))
            return 0
        for line in _lines(planned):
            out.note(line)
        outcome = await core.reissues.start(planned, force=force, start=not no_wait)
        return await seen_through(core, out, [outcome], None if no_wait else timeout, document)

    return with_core(context, act, change=not dry_run)


def _document(planned: Reissue) -> dict[str, Any]:
    return {
        "names": list(planned.names),
        "added": list(planned.added),
        "removed": list(planned.removed),
        "differing": [
            {"what": what, "is": old or None, "becomes": new or None}
            for what, old, new in planned.differing
        ],
    }


def _lines(planned: Reissue) -> list[str]:
    """The differences, a line each; the names that stay between those that come and go."""
    kept = [name for name in planned.names if name not in planned.added]
    lines = [
        *(f"  {name}" for name in kept),
        *(f"+ {name}" for name in planned.added),
        *(f"- {name}" for name in planned.removed),
        *(f"{what}: {old or 'none'} -> {new or 'none'}" for what, old, new in planned.differing),
    ]
    if not (planned.added or planned.removed or planned.differing):
        lines.append(planned.same)
    return [one_line(line) for line in lines]
