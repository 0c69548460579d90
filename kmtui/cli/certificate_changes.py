"""``kmtui cert renew`` and ``kmtui cert set``: what changes a certificate by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli import deploying, documents, target_report
from kmtui.cli.outcome import as_error, batch_exit_code, summary
from kmtui.cli.output import Output, error_document
from kmtui.cli.renew import code_of, document_of, outcome_lines
from kmtui.cli.session import with_core
from kmtui.cli.waiting import waited
from kmtui.model import RequestStatus, SaveMode
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


def renew(
    context: typer.Context,
    certificates: Annotated[
        list[str],
        typer.Argument(metavar="CERT...", help="Labels, ids, or names that only one has."),
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
        started = time.monotonic()
        outcomes = await core.renewal.renew(certificates, force=force, start=not no_wait)
        if len(outcomes) == 1 and outcomes[0].error is not None:
            raise outcomes[0].error
        if not no_wait:
            outcomes = await waited(core, out, outcomes, timeout)
        codes = [code_of(outcome) for outcome in outcomes]
        documents_ = [document_of(outcome) for outcome in outcomes]
        targets = await core.deployments.settled()
        document: dict[str, Any] = {
            "requests": documents_,
            "targets": [target_report.target(target) for target in targets],
            "summary": summary(codes, time.monotonic() - started) | deploying.counts(targets),
        }
        if len(outcomes) == 1:
            document["request"] = documents_[0]
            only = outcomes[0].request
            if only and only.status == RequestStatus.FAILED and only.problem is not None:
                document["error"] = error_document(as_error(only.problem))
        lines = outcome_lines(outcomes)
        out.answer(document, [*lines, *(target_report.target_lines(targets) if targets else ())])
        if no_wait and all(outcome.request for outcome in outcomes):
            return 0
        return batch_exit_code([*codes, *map(deploying.code_of, targets)])

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
) -> int:
    """Change how a certificate is kept; the next renewal goes by it."""

    async def act(core: Core, out: Output) -> None:
        row = await core.certificates.set(
            certificate,
            name=name,
            account=account,
            auto_renew=None if auto_renew is None else auto_renew == Switch.ON,
            auto_save=auto_save,
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
