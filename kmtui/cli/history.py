"""``kmtui cert history`` and ``kmtui cert diff``: every version ever issued, and two of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.output import Output, table
from kmtui.cli.pages import every_page
from kmtui.cli.session import with_core
from kmtui.model import Version, VersionStatus
from kmtui.status import date, version_status, when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

COLUMNS = (
    *("certificate", "version", "why", "status", "key"),
    *("issued", "not after", "saved", "issuer", "serial"),
)


def history(
    context: typer.Context,
    certificate: Annotated[
        str | None,
        typer.Argument(metavar="[CERT]", help="Label, id, or a name that only one has; else all."),
    ] = None,
    status: Annotated[
        VersionStatus | None, typer.Option(metavar="S", help="Of all: only those in this state.")
    ] = None,
    text: Annotated[
        str,
        typer.Option("--filter", metavar="TEXT", help="Of all: words of names, serial, issuer."),
    ] = "",
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.")] = None,
) -> int:
    """Show every version ever issued, newest first: also revoked, replaced and deleted ones.

    \b
    kmtui cert history shop
    kmtui cert history --status revoked
    """
    terms = f"{text} status:{status}" if status else text

    async def act(core: Core, out: Output) -> None:
        now = datetime.now(UTC)
        if certificate is not None:
            rows = (await core.certificates.history(certificate))[:limit]
        else:
            rows = []
            async for row in every_page(core.certificates.versions, text=terms):
                if len(rows) == limit:
                    break
                rows.append(row)
        out.answer({"versions": [documents.version(row, now) for row in rows]}, _lines(rows, now))

    return with_core(context, act)


def diff(
    context: typer.Context,
    certificate: Annotated[
        str, typer.Argument(metavar="CERT", help="Label, id, or a name that only one has.")
    ],
    one: Annotated[int, typer.Argument(metavar="N", min=1, help="One version.")],
    other: Annotated[int, typer.Argument(metavar="M", min=1, help="The other.")],
) -> int:
    """Show what differs between two versions.

    \b
    kmtui cert diff shop 6 7
    """

    async def act(core: Core, out: Output) -> None:
        found = await core.certificates.differences(certificate, one, other)
        out.answer(
            {
                "versions": [one, other],
                "differences": [
                    {"field": each.field, "values": [each.one, each.other]} for each in found
                ],
            },
            table(
                ["field", f"version {one}", f"version {other}"],
                [(each.field, each.one, each.other) for each in found],
            )
            if found
            else [f"versions {one} and {other} do not differ"],
        )

    return with_core(context, act)


def _lines(rows: Sequence[Version], now: datetime) -> list[str]:
    return table(
        COLUMNS,
        [
            (
                row.certificate,
                row.number,
                row.why,
                _status(row, now),
                "held" if row.has_key else "none",
                when(row.issued_at),
                date(row.not_after),
                row.saved_at and date(row.saved_at),
                row.issuer,
                row.serial,
            )
            for row in rows
        ],
    )


def _status(row: Version, now: datetime) -> str:
    """The state, why it was revoked, and that its certificate is deleted."""
    word = str(version_status(row, now))
    if row.revocation_reason and row.revoked_at is not None:
        word = f"{word}: {one_line(row.revocation_reason)}"
    return f"{word} (deleted)" if row.deleted else word
