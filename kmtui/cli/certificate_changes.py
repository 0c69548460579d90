"""``kmtui cert renew``, ``set`` and ``use``: what changes a certificate by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import deploying, documents, target_report
from kmtui.cli.outcome import batch_exit_code
from kmtui.cli.output import Output
from kmtui.cli.session import with_core
from kmtui.cli.values import ProfileMode, Switch
from kmtui.cli.waiting import seen_through
from kmtui.model import SaveMode
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core


def renew(
    context: typer.Context,
    certificates: Annotated[
        list[str],
        typer.Argument(metavar="CERT", help="Labels, ids, or names that only one has."),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Although our count of the CA's limits is used up.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait; then it is parked.")
    ] = 300,
) -> int:
    """Renew certificates now, due or not; the old version serves until the new one is saved.

    \b
    kmtui cert renew shop
    kmtui cert renew shop www.example.org --no-wait
    """

    async def act(core: Core, out: Output) -> int:
        outcomes = await core.renewal.renew(certificates, force=force, start=not no_wait)
        return await seen_through(core, out, outcomes, None if no_wait else timeout)

    return with_core(context, act, change=True)


def change(
    context: typer.Context,
    certificate: Annotated[
        str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
    ],
    auto_renew: Annotated[
        Switch | None, typer.Option("--auto-renew", help="Whether it is renewed unattended.")
    ] = None,
    auto_save: Annotated[
        SaveMode | None, typer.Option("--auto-save", help="Save what is issued by hand, or always.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="A", help="Account that renews it from now on.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="LABEL", help="Another label.")] = None,
    reuse_key: Annotated[
        Switch | None,
        typer.Option("--reuse-key", help="Whether renewals keep the key; a new one is safer."),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Chain to prefer, by the name of its top issuer; empty for none."
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="P", help="Profile of the CA; empty for none.")
    ] = None,
    profile_mode: Annotated[
        ProfileMode | None,
        typer.Option(help="Whether it may be issued without, where the CA drops the profile."),
    ] = None,
) -> int:
    """Change how a certificate is kept; the next renewal goes by it.

    \b
    kmtui cert set shop --auto-renew on --auto-save always
    kmtui cert set shop --name webshop
    """

    async def act(core: Core, out: Output) -> None:
        row = await core.certificates.set(
            certificate,
            name=name,
            account=account,
            auto_renew=None if auto_renew is None else auto_renew == Switch.ON,
            auto_save=auto_save,
            reuse_key=None if reuse_key is None else reuse_key == Switch.ON,
            preferred_chain=chain,
            profile=profile,
            profile_required=None if profile_mode is None else profile_mode.required,
        )
        verdict = await core.renewal.verdict(row.id)
        out.answer(
            {
                "certificate": documents.certificate(row, datetime.now(UTC)),
                "renewal": documents.verdict(verdict),
            },
            [f"{one_line(row.name)} is changed; renewal: {one_line(verdict.why)}"],
        )

    return with_core(context, act, change=True)


def use(
    context: typer.Context,
    certificate: Annotated[
        str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
    ],
    version: Annotated[int, typer.Option(metavar="N", min=1, help="Which one; `cert history`.")],
) -> int:
    """Make an earlier version that still is valid the current one again, and deploy it.

    \b
    kmtui cert use shop --version 6
    """

    async def act(core: Core, out: Output) -> int:
        now = datetime.now(UTC)
        used = await core.certificates.make_current(certificate, version)
        row = await core.certificates.get(used.certificate_id)
        targets = await core.deployments.settled()
        out.answer(
            {
                "certificate": documents.certificate(row, now),
                "version": documents.version(used, now),
                "targets": [target_report.target(target) for target in targets],
            },
            [
                f"version {used.number} of {one_line(row.name)} is current again",
                *(target_report.target_lines(targets) if targets else ()),
            ],
        )
        return batch_exit_code([0, *map(deploying.code_of, targets)])

    return with_core(context, act, change=True)
