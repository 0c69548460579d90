"""What stands behind the colon of a filter word: times and hexadecimal numbers.

Each raises ValueError with what is expected instead, as `filters.Qualifier` says.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_
from sqlalchemy.orm import Mapped

from kmtui.db.columns import END_OF_TIME
from kmtui.db.filters import Condition, Qualifier
from kmtui.model.filterwords import HEX, MOMENTS, PAST

ENOUGH_DIGITS = 4
"""Fewer would be the start of too many numbers: they stand for themselves."""

_SPAN = re.compile(r"([<>])\s*(-?\d{1,5})([mhdw])")
_PAST = re.compile(r"(\d{1,5})([mhdw])")
_CALENDAR = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)} | {
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def within(column: Mapped[Any], now: datetime) -> Qualifier:
    """A time in a month, on a day, between two of them (both included), or so near: ``<30d``.

    What has no time yet is never within.
    """

    def condition(value: str) -> Condition:
        start, end = span(value, now)
        return and_(column >= start, column < end)

    return condition


def since(column: Mapped[Any], now: datetime) -> Qualifier:
    """A time so long ago at most, or on a day or later."""

    def condition(value: str) -> Condition:
        if match := _PAST.fullmatch(value):
            return column >= _from(now, -int(match[1]) * _UNITS[match[2]])
        return column >= _calendar(value, PAST)[0]

    return condition


def beginning(column: Mapped[str]) -> Qualifier:
    """Lower-case hexadecimal that begins so; colons and spaces between digits do not count.

    Fewer than four digits are the whole of it. A range, so that an index on the column answers.
    """

    def condition(value: str) -> Condition:
        digits = re.sub(r"[:\s]", "", value)
        if not re.fullmatch(r"[0-9a-f]+", digits):
            raise ValueError(HEX)
        if len(digits) < ENOUGH_DIGITS:
            return column == digits
        return and_(column >= digits, column < digits + "g")

    return condition


def span(value: str, now: datetime) -> tuple[datetime, datetime]:
    """The first moment that is meant and the first after it. Raises ValueError.

    >>> [f"{edge:%Y-%m-%d}" for edge in span("2027-01..2027-02", datetime.now(UTC))]
    ['2027-01-01', '2027-03-01']
    """
    if match := _SPAN.fullmatch(value):
        edge = _from(now, int(match[2]) * _UNITS[match[3]])
        return (_BEGIN, edge) if match[1] == "<" else (edge, END_OF_TIME)
    first, dots, last = value.partition("..")
    if not dots:
        return _calendar(value, MOMENTS)
    if not (first or last):
        raise ValueError(MOMENTS)
    start = _calendar(first, MOMENTS)[0] if first else _BEGIN
    return start, _calendar(last, MOMENTS)[1] if last else END_OF_TIME


_BEGIN = datetime.min.replace(tzinfo=UTC)


def _from(now: datetime, delta: timedelta) -> datetime:
    try:
        return now + delta
    except OverflowError:
        return END_OF_TIME if delta > timedelta() else _BEGIN


def _calendar(value: str, expected: str) -> tuple[datetime, datetime]:
    """A year, month or day: its first moment and the first after it."""
    match = _CALENDAR.fullmatch(value)
    if match is None:
        raise ValueError(expected)
    year, month, day = (int(part) if part else 0 for part in match.groups())
    try:
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return start, start + timedelta(days=1)
        if month:
            after = (year + 1, 1) if month == 12 else (year, month + 1)
            return start, datetime(*after, 1, tzinfo=UTC)
        return start, datetime(year + 1, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(expected) from None
