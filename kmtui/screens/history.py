"""The history of a certificate as rows: its versions, and the attempts to get one."""

from __future__ import annotations

from datetime import datetime

from kmtui.model import Request, Version
from kmtui.screens.error import problem_facts
from kmtui.screens.request_words import next_cell, outlook_facts, replaces_facts, why_cell
from kmtui.status import Cell, date, duration, status_cell, version_status, when
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row

VERSION_COLUMNS = (
    Column("VER", 4),
    Column("STATUS", 9),
    Column("ISSUED", 10),
    Column("EXPIRES", 10),
    Column("ISSUER", 6, 24, flex=1),
    Column("KEY", 7, drop=2),
    Column("SERIAL", 11, 40, flex=1, middle=True, drop=3),
    Column("WHY", 7, drop=1),
)
ATTEMPT_COLUMNS = (
    Column("TIME", 16),
    Column("ID", 5),
    Column("KIND", 7, drop=1),
    Column("STATE", 11),
    Column("STEP / WHY", 20, flex=1),
    Column("NEXT", 16, drop=2),
)


def version_row(version: Version, now: datetime) -> Row:
    """A version as a row."""
    status = version_status(version, now)
    cells: tuple[Cell, ...] = (
        (f"v{version.number}", ""),
        status_cell(status),
        (date(version.issued_at), ""),
        (date(version.not_after), ""),
        (version.issuer, ""),
        (version.key_type, ""),
        (version.serial, "muted"),
        (version.why, ""),
    )
    return Row(version.id, cells, status, version)


def attempt_row(request: Request, now: datetime) -> Row:
    """A request as a row."""
    cells: tuple[Cell, ...] = (
        (when(request.created_at), ""),
        (f"#{request.number}", ""),
        (request.kind, ""),
        status_cell(request.status),
        why_cell(request, now),
        next_cell(request, now),
    )
    return Row(request.id, cells, request.status, request)


def attempt_facts(
    request: Request, now: datetime, *, held: str = "", since: datetime | None = None
) -> list[Fact]:
    """What the pane says about an attempt; `held` and `since` as in `outlook_facts`."""
    facts: list[Fact] = [
        ("", (f"#{request.number} {request.kind}", "strong")),
        ("state", status_cell(request.status)),
        ("asked", when(request.created_at)),
    ]
    if request.finished_at is not None:
        facts.append(("took", duration((request.finished_at - request.created_at).total_seconds())))
    if request.version is not None:
        facts.append(("version", f"v{request.version}"))
    if request.order_url:
        facts.append(("order", request.order_url))
    facts += replaces_facts(request)
    facts += outlook_facts(request, now, held=held, since=since)
    if request.problem is not None:
        return [*facts, ("", ""), *problem_facts(request.problem)]
    return [*facts, ("step", request.step)] if request.step else facts
