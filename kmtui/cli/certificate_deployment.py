"""``kmtui cert deploy`` and ``kmtui cert rollback``: a version put to its targets by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import deploying, target_report
from kmtui.cli.outcome import batch_exit_code
from kmtui.cli.output import Output
from kmtui.cli.session import with_core
from kmtui.model import Target

if TYPE_CHECKING:
    from kmtui.core.core import Core

Certificate = Annotated[
    str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
]
Only = Annotated[
    str | None, typer.Option("--target", metavar="T", help="Only this one of its targets.")
]
Force = Annotated[bool, typer.Option("--force", help="Although it expired or was revoked.")]


def deploy(
    context: typer.Context,
    certificate: Certificate,
    target: Only = None,
    version: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Not the current one.")
    ] = None,
    force: Force = False,
) -> int:
    """Put a certificate to its targets now: upload, check, reload, prove; back when that fails.

    \b
    kmtui cert deploy shop
    kmtui cert deploy shop --target web1
    """

    async def act(core: Core, out: Output) -> int:
        started = await core.deployments.deploy(
            certificate, target=target, version=version, force=force
        )
        return await _ended(core, out, started)

    return with_core(context, act, change=True)


def roll_back(
    context: typer.Context,
    certificate: Certificate,
    version: Annotated[int, typer.Option(metavar="N", min=1, help="Which one; `cert history`.")],
    target: Only = None,
    force: Force = False,
) -> int:
    """Put an earlier version back to the targets; it stays there until another one is saved.

    \b
    kmtui cert rollback shop --version 6
    """

    async def act(core: Core, out: Output) -> int:
        started = await core.deployments.roll_back(certificate, version, target=target, force=force)
        return await _ended(core, out, started)

    return with_core(context, act, change=True)


async def _ended(core: Core, out: Output, started: Sequence[Target]) -> int:
    targets = await core.deployments.wait([target.id for target in started])
    out.answer(
        {
            "targets": [target_report.target(target) for target in targets],
            "summary": deploying.counts(targets),
        },
        target_report.target_lines(targets),
    )
    return batch_exit_code([deploying.code_of(target) for target in targets])
