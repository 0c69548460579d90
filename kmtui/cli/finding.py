"""``kmtui cert list`` and ``cert timeline``: finding certificates, and seeing what comes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.output import Output, table
from kmtui.cli.pages import every_page
from kmtui.cli.session import with_core
from kmtui.cli.values import duration
from kmtui.model import Certificate, CertificateStatus
from kmtui.model.filterwords import FILTER_WORDS
from kmtui.status import attempt_cell, certificate_status, date, days_left

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.timeline import Week

LIST = "certificates"
BAR = 30
"""Cells of the longest bar."""

LIST_HELP = """List the certificates, the soonest to expire first.

A filter is made of words that must occur in the label or the names, !word for those that must not,
and of these, which ! turns around, too:

\b
{words}

Quotes make one word of several: issuer:"Example CA".

\b
kmtui cert list --expires-within 30d
kmtui cert list --filter 'shop !test status:due' --json
kmtui cert list --filter 'dns:corp expires:2027-01..2027-03' --sort account
kmtui cert list --saved 'due soon'
""".format(words="\n".join(f"{each.word + ':':13} {each.takes}" for each in FILTER_WORDS[LIST]))


def list_certificates(
    context: typer.Context,
    status: Annotated[
        CertificateStatus | None, typer.Option(metavar="S", help="Only those in this state.")
    ] = None,
    expires_within: Annotated[
        str | None, typer.Option(metavar="30d", help="Only those with no more life left than that.")
    ] = None,
    text: Annotated[
        str,
        typer.Option("--filter", metavar="TEXT", help="As the screen's filter; see above."),
    ] = "",
    saved: Annotated[
        str | None, typer.Option(metavar="NAME", help="A filter kept under a name.")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="WORD",
            help="expires, name, status, renewal, versions, issuer, account, created or attempt.",
        ),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way around.")] = False,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Archived ones too.")] = False,
) -> int:
    """List the certificates, the soonest to expire first."""
    terms = [_closed(text)]
    if status:
        terms.append(f"status:{status}")
    if expires_within:
        duration(expires_within, "expires-within")
        terms.append(f"expires:<{expires_within.strip()}")

    async def act(core: Core, out: Output) -> None:
        order: str = sort or ""
        descending: bool | None = reverse or None
        if saved:
            kept = await core.filters.get(LIST, saved)
            terms.append(_closed(kept.text))
            if sort is None:
                order, descending = kept.sort, kept.descending is not reverse
        now = datetime.now(UTC)
        rows = every_page(
            core.certificates.page,
            text=" ".join(filter(None, terms)),
            sort=order or "expires",
            descending=descending,
            include_archived=all_ or status == CertificateStatus.ARCHIVED,
        )
        if out.json:
            found = (documents.certificate(row, now) async for row in _limited(rows, limit))
            await out.stream("certificates", found)
            return
        out.answer({}, _table([row async for row in _limited(rows, limit)], now))

    return with_core(context, act)


def timeline(
    context: typer.Context,
    weeks: Annotated[int, typer.Option(metavar="N", min=1, help="So many weeks.")] = 26,
) -> int:
    """Show how many certificates expire and renew in each of the weeks to come.

    \b
    kmtui cert timeline
    kmtui cert timeline --weeks 8 --json
    """

    async def act(core: Core, out: Output) -> None:
        found = await core.timeline.weeks(weeks)
        out.answer({"weeks": [_document(week) for week in found]}, _lines(found))

    return with_core(context, act)


def _closed(text: str) -> str:
    """A filter whose last quote is closed: left open it would take in whatever follows."""
    rest = re.sub(r'(^|[\s!:])"(?:[^"]|"")*"', r"\1", text)
    return f'{text}"' if re.search(r'(^|[\s!:])"', rest) else text


async def _limited(
    rows: AsyncIterator[Certificate], limit: int | None
) -> AsyncIterator[Certificate]:
    given = 0
    async for row in rows:
        if given == limit:
            return
        given += 1
        yield row


def _table(rows: list[Certificate], now: datetime) -> list[str]:
    return table(
        ["certificate", "names", "ca", "status", "not after", "days", "renewal"],
        [
            (
                row.name,
                len(row.names),
                row.ca,
                certificate_status(row, now),
                row.not_after and date(row.not_after),
                None if row.not_after is None else days_left(row.not_after, now),
                attempt_cell(row, now)[0],
            )
            for row in rows
        ],
    )


def _document(week: Week) -> documents.Document:
    return {
        "start": documents.moment(week.start),
        "end": documents.moment(week.end),
        "expires": week.expires,
        "by_hand": week.by_hand,
        "renews": week.renews,
        "wave": week.wave or None,
    }


def _lines(weeks: list[Week]) -> list[str]:
    """Empty weeks at the end are left out, and what is before when there is nothing."""
    while weeks and not (weeks[-1].expires or weeks[-1].renews):
        weeks = weeks[:-1]
    if weeks and not (weeks[0].expires or weeks[0].renews):
        weeks = weeks[1:]
    if not weeks:
        return ["nothing expires, and no renewal is planned"]
    # What is overdue, or far away, would make all the others look small.
    most = max((week.renews for week in weeks if week.start and week.end), default=0)
    return table(
        ["week of", "expire", "by hand", "renew", "planned renewals", ""],
        [
            (
                "before" if week.start is None else date(week.start),
                week.expires,
                week.by_hand,
                week.renews,
                "#" * min(BAR, -(-week.renews * BAR // max(most, 1))),
                f"wave: {week.wave}" if week.wave else "later" if week.end is None else "",
            )
            for week in weeks
        ],
    )
