"""States as an operator reads them: word, glyph, tone; and the states that follow from the clock.

The word is always printed; glyph and tone only repeat it. A tone is a name (``good``, ``warn``,
``alert``, ``bad``, ``revoked``, ``working``, ``muted``, ``accent`` or ``""``) that the theme turns
into a colour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor
from typing import NamedTuple

from kmtui.model import (
    ACTIVE_STATUSES,
    KEPT,
    Certificate,
    CertificateStatus,
    Request,
    RequestStatus,
    Version,
    VersionStatus,
    expiring_at,
)
from kmtui.model import renewal_due_at as renewal_due_at

Cell = tuple[str, str]
"""A piece of text and its tone."""

DAY = timedelta(days=1)


class Look(NamedTuple):
    """How a status word is drawn."""

    glyph: str
    unicode: str
    tone: str
    meaning: str


_WAITING = (".", "·")
_WORKING = (">", "▸")
_DONE = ("+", "✓")
_FAILED = ("x", "✗")
_OURS = (":", "∶")
_ENDED = ("-", "·")

LOOKS: dict[str, Look] = {
    # certificates and versions
    "valid": Look(*_DONE, "good", "saved, in force, outside the renewal window"),
    "current": Look(*_DONE, "good", "the version in use"),
    "due": Look("~", "◔", "warn", "the renewal window has begun"),
    "expiring": Look("!", "⚠", "alert", "less than 7 days or an eighth of its life left"),
    "expired": Look(*_FAILED, "bad", "its last day is over"),
    "revoked": Look("#", "⊘", "revoked", "the CA declared it invalid"),
    "replaced": Look(*_ENDED, "muted", "an older version, still kept"),
    "archived": Look(*_ENDED, "muted", "deleted here, can be restored"),
    "available": Look("*", "★", "accent", "issued, waits to be saved"),
    # RFC 8555 section 7.1.6: orders, authorizations, challenges, accounts
    "pending": Look(*_WAITING, "working", "waits for its turn"),
    "ready": Look(*_WORKING, "working", "all names are proved"),
    "processing": Look(*_WORKING, "working", "the CA is checking"),
    "invalid": Look(*_FAILED, "bad", "the CA said no"),
    "deactivating": Look("?", "?", "warn", "whether the CA gave it up is asked again by itself"),
    "deactivated": Look(*_ENDED, "muted", "given up for good"),
    # requests and the steps on our side
    "draft": Look("=", "=", "working", "a form not sent yet"),
    "queued": Look(*_WAITING, "working", "will start by itself"),
    "ordering": Look(*_WORKING, "working", "placing the order at the CA"),
    "presenting": Look(*_OURS, "working", "publishing the challenge answers"),
    "propagating": Look(*_OURS, "working", "waiting until the answers are visible"),
    "waiting": Look(*_OURS, "working", "for the answer to be visible, or for its turn"),
    "checking": Look(*_WORKING, "working", "looking before sending"),
    "validating": Look(*_WORKING, "working", "the CA checks the answers"),
    "finalizing": Look(*_WORKING, "working", "the CA issues"),
    "cleaning up": Look(*_OURS, "working", "removing the challenge answers"),
    "saved": Look(*_DONE, "good", "in the inventory as the current version"),
    "failed": Look(*_FAILED, "bad", "ended without a version; ! tells why"),
    "cancelled": Look("/", "/", "muted", "stopped by an operator"),
    "parked": Look("%", "‖", "warn", "set aside until a later time"),
    # targets and deployments
    "uploading": Look(*_WORKING, "working", "being put on the server"),
    "deployed": Look(*_DONE, "good", "in its place; nobody saw it being served"),
    "verified": Look(*_DONE, "good", "the server was seen serving it"),
    "stale": Look("!", "⚠", "alert", "the server serves another certificate"),
    # CAs
    "failing": Look("!", "⚠", "warn", "it did not answer when it was asked last"),
    "silent": Look(*_FAILED, "bad", "asked for days, and it never answered"),
    "retired": Look(*_ENDED, "muted", "ended its service; what it issued stays"),
    # jobs, tests, activity
    "running": Look(*_WORKING, "working", "under way"),
    "started": Look(*_WORKING, "working", "under way"),
    "done": Look(*_DONE, "good", "ended well"),
    "ok": Look(*_DONE, "good", "ended well"),
    "never": Look(*_WAITING, "muted", "not tried yet"),
    "interrupted": Look("?", "?", "warn", "the process ended; taken up at the next start"),
    # log levels
    "info": Look(" ", " ", "", ""),
    "good": Look(*_DONE, "good", ""),
    "warn": Look("!", "⚠", "warn", ""),
    "bad": Look(*_FAILED, "bad", ""),
}

_UNKNOWN = Look(" ", " ", "", "")


def look(word: str) -> Look:
    """How a status word is drawn; a word this program does not know is drawn as it is."""
    return LOOKS.get(word, _UNKNOWN)


def status_cell(word: str) -> Cell:
    """A status word with its tone."""
    return word, look(word).tone


# States that follow from the clock


def certificate_status(certificate: Certificate, now: datetime) -> CertificateStatus:
    """A certificate's own state at `now`; its last request is a second, separate fact."""
    if certificate.archived_at is not None:
        return CertificateStatus.ARCHIVED
    if certificate.current_version is None:
        unsaved = certificate.unsaved_version is not None
        return CertificateStatus.AVAILABLE if unsaved else CertificateStatus.PENDING
    if certificate.revoked_at is not None:
        return CertificateStatus.REVOKED
    before, after = certificate.not_before, certificate.not_after
    if after is None:
        return CertificateStatus.PENDING
    if now > after:  # RFC 5280 section 4.1.2.5: notAfter itself is still inside
        return CertificateStatus.EXPIRED
    if now >= expiring_at(before, after):
        return CertificateStatus.EXPIRING
    if now >= renewal_due_at(before, after, certificate.renew_at):
        return CertificateStatus.DUE
    return CertificateStatus.VALID


def version_status(version: Version, now: datetime) -> VersionStatus:
    """A version's state at `now`: what was done to it weighs more than its dates."""
    if version.revoked_at is not None:
        return VersionStatus.REVOKED
    if version.replaced_at is not None:
        return VersionStatus.REPLACED
    if now > version.not_after:
        return VersionStatus.EXPIRED
    return VersionStatus.CURRENT if version.saved_at is not None else VersionStatus.AVAILABLE


def request_cell(request: Request) -> Cell:
    """What the STEP / WHY column of a request says."""
    if request.problem is not None and request.status == RequestStatus.FAILED:
        return f"{request.problem.short_type}: {request.problem.detail}", "bad"
    if request.status == RequestStatus.PARKED and request.not_before is not None:
        return f"{request.step or 'parked'} until {when(request.not_before)}", "warn"
    return request.step, ""


def attempt_cell(certificate: Certificate, now: datetime) -> Cell:
    """What the RENEWAL column says: the last attempt where it matters, else the next date.

    Never a reason to change the certificate's own word: a failed renewal leaves it valid.
    """
    if certificate.archived_at is not None:
        kept = certificate.purged_at is None
        return f"purge {date(certificate.archived_at + KEPT)}" if kept else "purged", "muted"
    status, why = certificate.last_request_status, certificate.last_request_error
    if certificate.unsaved_version is not None:
        return f"save v{certificate.unsaved_version}", "accent"
    if status == RequestStatus.QUEUED:
        return "queued", "working"
    if status == RequestStatus.PARKED:
        return (f"blocked: {why}", "bad") if why else ("parked", "warn")
    if status in ACTIVE_STATUSES:
        return "running", "working"
    if status == RequestStatus.FAILED and certificate.last_request_at is not None:
        return f"failed {when_short(certificate.last_request_at, now)} {why}".rstrip(), "bad"
    after = certificate.not_after
    if certificate.current_version is None or after is None or certificate.revoked_at is not None:
        return "", ""
    if not certificate.auto_renew:
        return "off", "warn"
    return date(renewal_due_at(certificate.not_before, after, certificate.renew_at)), ""


# Times in words


def days_left(not_after: datetime, now: datetime) -> int:
    """Whole days until `not_after`; negative once it is over."""
    return floor((not_after - now) / DAY)


def span(delta: timedelta) -> str:
    """A span in its largest unit: ``3d``, ``-3d``, ``5h``, ``12m``, ``40s``, ``0s``."""
    sign, delta = ("-", -delta) if delta < timedelta(0) else ("", delta)
    seconds = int(delta.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{sign}{seconds // length}{unit}"
    return f"{sign if seconds else ''}{seconds}s"


def until(moment: datetime, now: datetime) -> str:
    """How far away a moment is: ``3d``, ``5h``; ``-3d`` when it is over."""
    return span(moment - now)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago a moment was: ``2d ago``, ``just now``."""
    return "just now" if now - moment < timedelta(minutes=1) else f"{span(now - moment)} ago"


def duration(seconds: float) -> str:
    """Elapsed time as a clock: ``0:42``, ``1:02:03``."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def date(moment: datetime) -> str:
    """The day in UTC: ``2026-10-04``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def clock(moment: datetime) -> str:
    """The time of day in UTC: ``07:12:40``."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def when(moment: datetime) -> str:
    """Day and time in UTC: ``2026-10-01 07:12``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def when_short(moment: datetime, now: datetime) -> str:
    """The time of day within the last 24 hours, else month and day: ``07:12``, ``09-28``."""
    recent = abs(now - moment) < DAY
    return f"{moment.astimezone(UTC):{'%H:%M' if recent else '%m-%d'}}"
