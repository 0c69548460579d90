"""What is still to come of samples: when they are renewed, and what is to be removed."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from kmtui.core.demo.challenges import DNS_ZONE
from kmtui.model import Challenge, CleanupEntry, RenewalPlan

EXPLANATION = "https://kmtui.test/why-renew-early"
"""Where the practice CA would say why it wants some certificates renewed early."""
LEFT_UNTIL = timedelta(minutes=50)
"""Until what was left behind is tried to be removed again."""
CHECKED_AGAIN = timedelta(minutes=10)
"""Until the CA is asked again when it would like a certificate renewed."""


def left_behind(row: Challenge, dns_account_id: str, server: str, now: datetime) -> CleanupEntry:
    """The TXT record of a challenge in `DNS_ZONE` that the name server did not let go of."""
    handle = {
        "zone_id": DNS_ZONE,
        "zone_name": DNS_ZONE,
        "fqdn": row.fqdn,
        "value": row.value,
        "record_id": None,
    }
    return CleanupEntry(
        id=str(uuid.uuid4()),
        request_id=row.request_id,
        kind=row.type,
        dns_account_id=dns_account_id,
        server_id=None,
        name=row.fqdn,
        value=row.value,
        handle=handle,
        state="failed",
        created_at=row.presented_at or now,
        attempts=4,
        next_attempt_at=now + LEFT_UNTIL,
        last_error=f"the name server {server} refused the update: SERVFAIL",
    )


def suggested(
    certificate_id: str,
    version: int,
    window: tuple[datetime, datetime],
    now: datetime,
    *,
    early: bool,
) -> RenewalPlan:
    """The plan that follows from what the CA suggested for a version."""
    start, end = window
    return RenewalPlan(
        certificate_id=certificate_id,
        version_number=version,
        source="ari",
        window_start=start,
        window_end=end,
        explanation_url=EXPLANATION if early else None,
        renew_at=start + (end - start) / 3,
        checked_at=now,
        next_check_at=now + CHECKED_AGAIN,
    )
