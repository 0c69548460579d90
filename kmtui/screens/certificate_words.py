"""A certificate in the words of the screens: a row, a pane, a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kmtui.model import KEPT, Authority, Certificate, Request, RequestStatus, Target, Verdict
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.renewal_words import NAMED, policy, verdict_facts
from kmtui.screens.target_words import in_short
from kmtui.status import (
    Cell,
    attempt_cell,
    certificate_status,
    date,
    renewal_due_at,
    status_cell,
    until,
    when_short,
)
from kmtui.widgets.details import Fact
from kmtui.widgets.rows import Row

ENDS = {"expired": "on", "revoked": "· would expire", "archived": "· expires"}
"""What stands between a status and the last day of the certificate, where it is not *until*."""


def names_in_short(certificate: Certificate) -> str:
    """The label and how many more names there are: ``shop.example.org +2``."""
    more = len(certificate.names) - 1
    return f"{certificate.name} +{more}" if more > 0 else certificate.name


def certificate_row(certificate: Certificate, now: datetime) -> Row:
    """A certificate as a row of the list."""
    status = certificate_status(certificate, now)
    expires = certificate.not_after
    cells: tuple[Cell, ...] = (
        (names_in_short(certificate), ""),
        status_cell(status),
        (date(expires) if expires else "", ""),
        (until(expires, now) if expires else "", ""),
        attempt_cell(certificate, now),
        (str(certificate.version_count or ""), "muted"),
    )
    return Row(certificate.id, cells, status, certificate)


def certificate_facts(
    certificate: Certificate,
    now: datetime,
    verdict: Verdict | None = None,
    newest: Request | None = None,
    targets: Sequence[Target] = (),
    authority: Authority | None = None,
) -> list[Fact]:
    """What the pane beside the list says; more once it was judged, with its last request."""
    status = certificate_status(certificate, now)
    facts: list[Fact] = [
        ("", (certificate.name, "strong")),
        ("status", status_cell(status)),
        *archived_facts(certificate),
        ("names", "\n".join(certificate.names)),
        ("issuer", certificate.issuer),
        ("account", " · ".join(filter(None, (certificate.account, certificate.ca)))),
        *ended_facts(authority),
        ("key", " · ".join(filter(None, (certificate.key_type, certificate.profile)))),
        ("versions", versions_in_words(certificate)),
        ("targets", in_short(targets)),
    ]
    if verdict is None:
        facts.append(("renewal", renewal_words(certificate, now)))
        facts.append(("last try", last_try(certificate, now)))
    else:
        facts += verdict_facts(verdict, newest, now)
    return [(label, value) for label, value in facts if value not in ("", ("", ""))]


def head_facts(
    certificate: Certificate,
    verdict: Verdict,
    newest: Request | None,
    now: datetime,
    authority: Authority | None = None,
) -> list[Fact]:
    """What stands above the history of one certificate: its state, and all about its renewal."""
    more = len(certificate.names) - NAMED
    names = "  ".join([*certificate.names[:NAMED], *([f"+{more}"] if more > 0 else [])])
    status, tone = status_cell(certificate_status(certificate, now))
    if certificate.not_after is not None:
        left = until(certificate.not_after, now)
        status = f"{status} {ENDS.get(status, 'until')} {date(certificate.not_after)} ({left})"
    return [
        ("names", names),
        ("status", (status, tone)),
        *archived_facts(certificate),
        ("policy", policy(certificate)),
        *ended_facts(authority),
        *verdict_facts(verdict, newest, now),
    ]


def ended_facts(authority: Authority | None) -> list[Fact]:
    """That its CA issues no more, and what to do about it."""
    if authority is None or authority.retired is None:
        return []
    ended = authority.retired.last_orders
    said = f"{authority.title} issues no more since {ended}: M moves it to another"
    return [("CA", (said, "warn"))]


def archived_facts(certificate: Certificate) -> list[Fact]:
    """Since when a deleted certificate is deleted, and until when it can come back."""
    if certificate.archived_at is None:
        return []
    deleted = f"on {date(certificate.archived_at)}"
    if certificate.purged_at is not None:
        purged = date(certificate.purged_at)
        return [("deleted", f"{deleted}; its private keys were destroyed on {purged}")]
    purge = date(certificate.archived_at + KEPT)
    return [
        ("deleted", (f"{deleted}; its private keys are destroyed on {purge}", "warn")),
        (CONTINUED, "u brings it back, D destroys its keys now"),
    ]


def renewal_words(certificate: Certificate, now: datetime) -> str:
    """When it should be renewed: ``from 2026-11-20``, ``due since 2026-09-20``."""
    if certificate.current_version is None or certificate.not_after is None:
        return ""
    due = renewal_due_at(certificate.not_before, certificate.not_after, certificate.renew_at)
    return f"due since {date(due)}" if due <= now else f"from {date(due)}"


def last_try(certificate: Certificate, now: datetime) -> Cell:
    """The last request: when, how it ended, and why if it failed."""
    if certificate.last_request_status is None or certificate.last_request_at is None:
        return "", ""
    status = certificate.last_request_status
    at = when_short(certificate.last_request_at, now)
    said = f"#{certificate.last_request_number} {at} {status} {certificate.last_request_error}"
    tone = status_cell(status)[1] if status != RequestStatus.SAVED else ""
    return said.rstrip(), tone


def versions_in_words(certificate: Certificate) -> Cell:
    """How many versions there are, and the one that waits to be saved."""
    pieces = [f"{certificate.version_count} in all"] if certificate.version_count else []
    if certificate.current_version is not None:
        pieces.insert(0, f"v{certificate.current_version} current")
    if certificate.unsaved_version is None:
        return ", ".join(pieces), ""
    return ", ".join([*pieces, f"v{certificate.unsaved_version} waits: s saves it"]), "accent"
