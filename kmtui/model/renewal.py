"""When a certificate is renewed: what is planned for its version, and how that is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalPlan:
    """When one certificate's current version shall be renewed, and who says so."""

    certificate_id: str
    version_number: int
    """The version this was planned for; a plan for another one says nothing."""
    source: str
    """`ari`: the CA suggested it (RFC 9773). `lifetime`: a part of its life will be left."""
    renew_at: datetime
    """A random point of the window, chosen once."""
    cert_id: str | None = None
    """The version's name in renewal information (RFC 9773 section 4.1)."""
    window_start: datetime | None = None
    window_end: datetime | None = None
    explanation_url: str | None = None
    """A page of the CA that says why the window is where it is."""
    checked_at: datetime | None = None
    next_check_at: datetime | None = None
    """When the CA is asked again."""
    failures: int = 0
    """How often in a row asking failed."""
    error: str = ""
    """Why the last time failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an unattended run renews a certificate now, and why, or why not."""

    certificate_id: str
    certificate: str
    due: bool
    """Its time has come and nothing is in the way."""
    why: str
    """One sentence."""
    at: datetime | None = None
    """When its time came or comes; None for one that is never renewed unattended."""
    blocked: str = ""
    """What is in the way although its time has come: `unsaved`, `under-way`, `retry-later`,
    `needs-human` or `obstacle`; or why it has no such time: `archived`, `no-version`, `revoked` or
    `auto-renew-off`."""
    next_try_at: datetime | None = None
    """When the next attempt is made after one that failed or was set aside."""
    failures: int = 0
    """Attempts that failed in a row since the last version."""
    last_failure: str = ""
    """One line on the last of them."""
    proposal: str = ""
    """What an operator may do about it."""
    window: tuple[datetime, datetime] | None = None
    """What the CA suggests."""
    explanation_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that needs an operator."""

    what: str
    """`expired`, `expires`, `failed`, `not-deployed`, `stale`, `unfinished`, `ca-silent`,
    `left-over`, `unattended` (no run for too long) or `not-told` (a message did not get
    through)."""
    text: str
    """One sentence."""
    certificate: str | None = None
    target: str | None = None
    ca: str | None = None
