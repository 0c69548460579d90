"""How long one call to a CA may take, and the time of day."""

from __future__ import annotations

from datetime import UTC, datetime

TOTAL_DEADLINE = 90.0
"""Seconds for one whole call: some CAs validate or sign within the request, for up to a minute."""
CONNECT_DEADLINE = 10.0


def utc_now() -> datetime:
    """The time of day of this machine."""
    return datetime.now(UTC)
