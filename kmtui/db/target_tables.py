"""The tables of deployment as SQLModel classes, as those in `tables.py`."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from kmtui.db.columns import FreeText, Utc


class TargetRow(SQLModel, table=True):
    """A place where the versions of one certificate are installed, and how far that is."""

    __tablename__ = "target"
    id: str = Field(primary_key=True)
    certificate_id: str = Field(foreign_key="certificate.id")
    name: str
    server_id: str | None = Field(default=None, foreign_key="end_server.id")
    directory: str
    layout: str
    hook: str
    owner: str
    mode: int
    check_command: str
    reload_command: str
    verify: str
    adopt: bool
    created_at: datetime = Field(sa_type=Utc)
    state: str
    wanted_version: int | None = None
    version: int | None = None
    step: str = Field(default="", sa_type=FreeText)
    error: str = Field(default="", sa_type=FreeText)
    hint: str = Field(default="", sa_type=FreeText)
    failures: int = 0
    next_attempt_at: datetime | None = Field(default=None, sa_type=Utc)
    deployed_at: datetime | None = Field(default=None, sa_type=Utc)
    verified_at: datetime | None = Field(default=None, sa_type=Utc)
    started_at: datetime | None = Field(default=None, sa_type=Utc)
    trying_version: int | None = None
    staged: str = ""
    former: str | None = None
    forced: bool = False
    worker: str | None = None
    """The process that deploys to it, or did."""
    attempt: int = 0
    """The fencing number: it grows with each claim."""


class DeploymentRow(SQLModel, table=True):
    """One attempt to put a version to a target; insert-only."""

    __tablename__ = "deployment"
    id: int | None = Field(default=None, primary_key=True)
    target_id: str
    target: str
    certificate_id: str = Field(foreign_key="certificate.id")
    server: str
    version: int
    outcome: str
    started_at: datetime = Field(sa_type=Utc)
    ended_at: datetime = Field(sa_type=Utc)
    actor: str = Field(sa_type=FreeText)
    place: str
    error: str = Field(default="", sa_type=FreeText)
    hint: str = Field(default="", sa_type=FreeText)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Utc)
