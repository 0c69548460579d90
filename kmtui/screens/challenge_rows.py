"""A request's challenges as rows, and what the pane says about the one under the cursor."""

from __future__ import annotations

from kmtui.model import Challenge, ServerSight
from kmtui.status import Cell, duration, look, status_cell
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Column, Row

COLUMNS = (
    Column("IDENTIFIER", 20, 60, flex=2, middle=True),
    Column("TYPE", 7),
    Column("STATE", 10),
    Column("DETAIL", 18, flex=3),
)


def challenge_row(challenge: Challenge) -> Row:
    """A challenge as one line of the table; a proved one says how long it took."""
    took = ""
    if challenge.presented_at is not None and challenge.validated_at is not None:
        took = duration((challenge.validated_at - challenge.presented_at).total_seconds())
    cells: tuple[Cell, ...] = (
        (challenge.identifier, ""),
        (challenge.type, ""),
        status_cell(challenge.status),
        (challenge.detail or took, ""),
    )
    return Row(challenge.id, cells, challenge.status, challenge)


def challenge_facts(challenge: Challenge) -> list[Fact]:
    """What is published for one name and who sees it already."""
    facts: list[Fact] = [("", (f"{challenge.identifier}  {challenge.type}", "strong"))]
    facts.append(("state", status_cell(challenge.status)))
    if challenge.via:
        facts.append(("via", challenge.via))
    if challenge.fqdn:
        facts += [("name", challenge.fqdn), ("value", challenge.value), ("", ("y copies", "muted"))]
    facts += [_sight_fact(sight) for sight in challenge.servers]
    if challenge.detail:
        facts.append(("detail", challenge.detail))
    return facts


def _sight_fact(sight: ServerSight) -> Fact:
    """What one server showed last, and how fast; silence is told as what it is."""
    took = "" if sight.milliseconds is None else f"  {sight.milliseconds:.0f} ms"
    who = f"{sight.name} {sight.address}".strip()
    if sight.seen:
        return _GLYPH_SEEN, (f"{who}  seen{took}", "good")
    if sight.detail == ASKING:
        return _GLYPH_ASKED, (f"{who}  is being asked", "working")
    if sight.milliseconds is None:
        return _GLYPH_SILENT, (f"{who}  no answer: {sight.detail}", "bad")
    return _GLYPH_ASKED, (f"{who}  not yet: {sight.detail}{took}", "working")


ASKING = "asking"
_GLYPH_SEEN = look("valid").glyph
_GLYPH_ASKED = look("pending").glyph
_GLYPH_SILENT = look("failed").glyph
