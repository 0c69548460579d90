"""What every service of the core is given: the inventory, the gate, and who is acting."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from kmtui.core.access import Access
from kmtui.core.clock import Clock
from kmtui.core.events import Bus
from kmtui.core.owners import Owners
from kmtui.core.seals import Seals
from kmtui.core.secrets import Secrets
from kmtui.db import activity
from kmtui.db.database import Database


@dataclass(frozen=True, slots=True)
class Context:
    """The collaborators the services share."""

    db: Database
    access: Access
    secrets: Secrets
    seals: Seals
    bus: Bus
    clock: Clock
    actor: str
    """Who acts: ``user@host``, for the audit trail."""
    owners: Owners
    """This process as the one that works on requests, and whether others are alive."""
    origin: str = ""
    """Where they come from: user id, sudo, SSH; for the audit trail."""

    def record(
        self,
        session: Session,
        action: str,
        object_type: str,
        object_id: str | None,
        object_name: str,
        outcome: str = "ok",
        detail: str = "",
    ) -> None:
        """Add a line to the audit trail within the caller's transaction."""
        activity.append(
            session,
            at=self.clock(),
            actor=self.actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            object_name=object_name,
            outcome=outcome,
            detail=detail,
            origin=self.origin,
        )
