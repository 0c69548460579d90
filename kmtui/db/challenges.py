"""Challenges of a request: one per authorization of its order (RFC 8555 section 7.1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from kmtui.db import rows
from kmtui.db.documents import sights_from_json, sights_to_json
from kmtui.db.tables import ChallengeRow
from kmtui.model import Challenge

_DELETE_ALL = delete(ChallengeRow).where(col(ChallengeRow.request_id) == bindparam("of"))
CHANGEABLE = frozenset(ChallengeRow.model_fields) - {"id", "request_id", "position"}


def replace_all(session: Session, request_id: str, challenges: Sequence[Challenge]) -> None:
    """Store the challenges of a request in place of its former ones, in this order."""
    session.connection().execute(_DELETE_ALL, {"of": request_id})
    if challenges:
        rows.append(
            session,
            ChallengeRow,
            [
                {
                    **{name: getattr(challenge, name) for name in CHANGEABLE},
                    "servers": sights_to_json(challenge.servers),
                    "id": challenge.id,
                    "request_id": request_id,
                    "position": position,
                }
                for position, challenge in enumerate(challenges)
            ],
        )


def of(session: Session, request_id: str) -> list[Challenge]:
    """The challenges of a request, in the order they were stored."""
    statement = (
        select(ChallengeRow)
        .where(ChallengeRow.request_id == request_id)
        .order_by(col(ChallengeRow.position))
    )
    return [_model(row) for row in session.exec(statement)]


def update(session: Session, challenge_id: str, **fields: Any) -> None:
    """Set columns of a challenge; `servers` is a sequence of ServerSight. Raises NotFound."""
    if "servers" in fields:
        fields["servers"] = sights_to_json(fields["servers"])
    rows.change(session, ChallengeRow, "challenge", challenge_id, fields, CHANGEABLE)


def _model(row: ChallengeRow) -> Challenge:
    fields = {name: getattr(row, name) for name in CHANGEABLE}
    fields["servers"] = sights_from_json(row.servers)
    return Challenge(id=row.id, request_id=row.request_id, **fields)
