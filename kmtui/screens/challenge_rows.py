"""A request's challenges as rows, and what the pane says about the one under the cursor."""

from __future__ import annotations

from kmtui.model import Challenge
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
    for sight in challenge.servers:
        mark, word, tone = _SEEN if sight.seen else _UNSEEN
        said = f" {sight.detail}" if sight.detail and not sight.seen else ""
        facts.append(("", (f"{sight.name} {mark} {word}{said}", tone)))
    if challenge.detail:
        facts.append(("detail", challenge.detail))
    return facts


_SEEN = (look("valid").glyph, "seen", "good")
_UNSEEN = (look("pending").glyph, "not yet", "working")
