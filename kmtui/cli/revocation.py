"""``kmtui cert revoke``: a version declared invalid at its CA."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.output import Output
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes
from kmtui.cli.waiting import waited
from kmtui.model import RevocationReason, RevocationSigner, Version
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.revocation import Revoked


def revoke(
    context: typer.Context,
    certificate: Annotated[
        str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
    ],
    reason: Annotated[
        RevocationReason,
        typer.Option(metavar="R", case_sensitive=False, help=", ".join(RevocationReason)),
    ],
    version: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Not the current one.")
    ] = None,
    by: Annotated[
        RevocationSigner | None,
        typer.Option(help="Whose key signs; else the account's, where that is gone the other."),
    ] = None,
    ca: Annotated[
        str | None, typer.Option(metavar="CA", help="Who issued it, where nothing here tells.")
    ] = None,
    renew_first: Annotated[
        bool,
        typer.Option("--renew-first", help="Renew, save and deploy it before the old one goes."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Renew although our count of the CA's limits is used up."),
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for --renew-first.")
    ] = 300,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
) -> int:
    """Revoke a version: it is invalid at once, for everyone, and never comes back.

    A key that is given up (--reason keyCompromise) is never used again.

    \b
    kmtui cert revoke shop --reason superseded --version 3 --yes
    kmtui cert revoke shop --reason keyCompromise --renew-first --yes
    """
    require_yes(yes, f"revoke {certificate}")

    async def act(core: Core, out: Output) -> None:
        number = version
        if renew_first:
            old, outcome = await core.revocation.renew_first(
                certificate, reason=reason, number=version, force=force
            )
            (outcome,) = await waited(core, out, [outcome], timeout)
            new = await core.revocation.in_force(outcome)
            number = old.number
            out.note(f"version {new.number} is current; version {number} is revoked now")
        done = await core.revocation.revoke(certificate, reason=reason, number=number, by=by, ca=ca)
        await _answer(core, out, done)

    return with_core(context, act, change=True)


async def _answer(core: Core, out: Output, done: Revoked) -> None:
    now = datetime.now(UTC)
    row = await core.certificates.get(done.version.certificate_id)
    out.answer(
        {
            "certificate": documents.certificate(row, now),
            "version": documents.version(done.version, now),
            "signed_by": done.by or None,
            "already": done.already,
            "same_key": [documents.version(each, now) for each in done.same_key],
        },
        _lines(done),
    )


def _lines(done: Revoked) -> list[str]:
    version = done.version
    was = "was revoked before" if done.already else "is revoked"
    by = f", signed by {one_line(done.by)}" if done.by else ""
    lines = [
        f"version {version.number} of {one_line(version.certificate)} {was}"
        f" ({version.revocation_reason}{by})"
    ]
    if done.same_key:
        lines.append("the same key is in use elsewhere; revoke these, too:")
        lines += [f"  kmtui cert revoke {_place(each)} --yes" for each in done.same_key]
    return lines


def _place(version: Version) -> str:
    reason = RevocationReason.KEY_COMPROMISE
    return f"{one_line(version.certificate)} --version {version.number} --reason {reason}"
