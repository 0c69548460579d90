"""When the unattended run was made last: its absence is told, since nothing else would tell it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from kmtui.db import settings

SETTING = "unattended.last"
LATE = timedelta(days=2)
"""A daily run with a random delay comes in time; one that was forgotten is noticed soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """An unattended run that came to its end."""

    at: datetime
    """When it ended."""
    actor: str
    due: int = 0
    renewed: int = 0
    failed: int = 0
    error: str = ""
    """Why it did not get to renewing."""


def read(session: Session) -> LastRun | None:
    """The last run; None before the first one, or when nothing sensible is stored."""
    text = settings.get(session, SETTING)
    try:
        stored = json.loads(text or "")
        return LastRun(**{**stored, "at": datetime.fromisoformat(stored["at"])})
    except (ValueError, TypeError, KeyError):
        return None


def put(session: Session, run: LastRun) -> None:
    """Note that a run came to its end."""
    settings.put(session, SETTING, json.dumps({**asdict(run), "at": run.at.isoformat()}))
