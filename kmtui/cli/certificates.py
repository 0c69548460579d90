"""``kmtui cert``: certificates and all their versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import (
    archive,
    certificate_changes,
    certificate_deployment,
    deploying,
    documents,
    export,
    finding,
    history,
    importing,
    moving,
    reissue,
    revocation,
    target_report,
)
from kmtui.cli.group import group
from kmtui.cli.outcome import batch_exit_code
from kmtui.cli.output import Output, facts
from kmtui.cli.session import with_core
from kmtui.model import Certificate, Verdict, Version
from kmtui.status import certificate_status, days_left, version_status, when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("Certificates and all their versions.")

Word = Annotated[
    str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
]


app.command("list", help=finding.LIST_HELP)(finding.list_certificates)
app.command("timeline")(finding.timeline)


@app.command("show")
def show(context: typer.Context, certificate: Word) -> int:
    """Show a certificate and its current version with its chain.

    \b
    kmtui cert show shop
    """

    async def act(core: Core, out: Output) -> None:
        now = datetime.now(UTC)
        row = await core.certificates.get(certificate)
        number = row.current_version or row.unsaved_version
        version = None if number is None else await core.certificates.version(row.id, number)
        verdict = await core.renewal.verdict(row.id)
        out.answer(
            {
                "certificate": documents.certificate(row, now),
                "renewal": documents.verdict(verdict),
                "version": version and documents.version(version, now, with_chain=True),
            },
            [*_lines(row, verdict, now), *(["", *_version_lines(version, now)] if version else [])],
        )

    return with_core(context, act)


@app.command("save")
def save(
    context: typer.Context,
    certificate: Word,
    version: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Not the newest one that waits.")
    ] = None,
) -> int:
    """Make an issued version the current one, and put it to the certificate's targets.

    \b
    kmtui cert save shop
    kmtui cert save shop --version 7
    """

    async def act(core: Core, out: Output) -> int:
        now = datetime.now(UTC)
        saved = await core.certificates.save(certificate, version)
        row = await core.certificates.get(saved.certificate_id)
        targets = await core.deployments.settled()
        out.answer(
            {
                "certificate": documents.certificate(row, now),
                "version": documents.version(saved, now),
                "targets": [target_report.target(target) for target in targets],
            },
            [
                f"version {saved.number} of {one_line(row.name)} is current now",
                *(target_report.target_lines(targets) if targets else ()),
            ],
        )
        return batch_exit_code([0, *map(deploying.code_of, targets)])

    return with_core(context, act, change=True)


app.command("renew")(certificate_changes.renew)
app.command("set")(certificate_changes.change)
app.command("use")(certificate_changes.use)
app.command("history")(history.history)
app.command("diff")(history.diff)
app.command("reissue")(reissue.reissue)
app.command("move")(moving.move)
app.command("revoke")(revocation.revoke)
app.command("delete")(archive.delete)
app.command("undelete")(archive.undelete)
app.command("deploy")(certificate_deployment.deploy)
app.command("rollback")(certificate_deployment.roll_back)
app.command("export")(export.export)
app.command("import")(importing.import_)


def _lines(row: Certificate, verdict: Verdict, now: datetime) -> list[str]:
    return facts(
        [
            ("Certificate", row.name),
            ("Status", certificate_status(row, now)),
            ("Names", row.names),
            ("Account", row.account),
            ("CA", row.ca),
            ("Not after", row.not_after and when(row.not_after)),
            ("Days left", None if row.not_after is None else days_left(row.not_after, now)),
            ("Current version", row.current_version),
            ("Waits to be saved", row.unsaved_version),
            ("Key", row.key_type),
            ("Profile", row.profile and f"{row.profile} ({_profile_mode(row)})"),
            ("Renewed with", "the same key" if row.reuse_key else "a new key"),
            ("Preferred chain", row.preferred_chain),
            ("Renewed unattended", row.auto_renew),
            ("Saved by", "itself" if row.auto_save == "always" else "hand"),
            ("Renewal", verdict.why),
            ("Renewed from", verdict.at and when(verdict.at)),
            ("Tried again", verdict.next_try_at and when(verdict.next_try_at)),
            ("The CA says why", verdict.explanation_url),
            ("You may", verdict.proposal),
            ("Last attempt", _last_attempt(row)),
            ("Deleted", row.archived_at and when(row.archived_at)),
            ("Keys destroyed", row.purged_at and when(row.purged_at)),
        ]
    )


def _profile_mode(row: Certificate) -> str:
    return "required" if row.profile_required else "preferred"


def _last_attempt(row: Certificate) -> str:
    if row.last_request_number is None or row.last_request_at is None:
        return ""
    how = f"{row.last_request_status} {when(row.last_request_at)} {row.last_request_error}"
    return f"#{row.last_request_number} {row.last_request_kind}: {how.rstrip()}"


def _version_lines(row: Version, now: datetime) -> list[str]:
    return facts(
        [
            ("Version", row.number),
            ("State", version_status(row, now)),
            ("Serial", row.serial),
            ("Issuer", row.issuer),
            ("Subject", row.subject),
            ("Not before", when(row.not_before)),
            ("Not after", when(row.not_after)),
            ("SHA-256", row.sha256),
            ("SPKI SHA-256", row.spki_sha256),
            ("Issued", when(row.issued_at)),
            ("Saved", row.saved_at and when(row.saved_at)),
            ("Revoked", row.revoked_at and when(row.revoked_at)),
            ("Reason", row.revocation_reason),
        ]
    )
