"""The history of deployments: one row for each attempt, never changed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from kmtui.db import filters, rows
from kmtui.db.target_tables import DeploymentRow
from kmtui.model import Deployment

SHOWN = 200
"""Attempts read for a screen or a command: more than anybody looks through."""


def insert(session: Session, deployment: Deployment) -> None:
    """Add an attempt; its id is given here."""
    fields = {name: getattr(deployment, name) for name in DeploymentRow.model_fields}
    rows.insert(session, DeploymentRow(**{**fields, "id": None}))


def of_target(session: Session, target_id: str) -> list[Deployment]:
    """The last attempts for a target, newest first."""
    return _where(session, col(DeploymentRow.target_id) == target_id)


def of_certificate(session: Session, certificate_id: str) -> list[Deployment]:
    """The last attempts for all targets of a certificate, newest first."""
    return _where(session, col(DeploymentRow.certificate_id) == certificate_id)


def places(session: Session, target_id: str) -> frozenset[str]:
    """Every place that files of a target were ever put into."""
    place = col(DeploymentRow.place)
    statement = select(place).where(col(DeploymentRow.target_id) == target_id, place != "")
    return frozenset(session.exec(statement.distinct()))


def _where(session: Session, condition: filters.Condition) -> list[Deployment]:
    statement = (
        select(DeploymentRow).where(condition).order_by(col(DeploymentRow.id).desc()).limit(SHOWN)
    )
    return _models(session.exec(statement))


def _models(found: Iterable[DeploymentRow]) -> list[Deployment]:
    return [
        Deployment(**{name: getattr(row, name) for name in DeploymentRow.model_fields})
        for row in found
    ]
