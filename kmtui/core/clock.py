"""The time of day, in one place so that tests can set it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, with time zone UTC and whole seconds' fraction kept."""
    return datetime.now(UTC)
