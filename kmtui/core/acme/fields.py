"""Typed reading of a CA's JSON objects: absent or null is None, the wrong type is a violation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kmtui.core.acme.problems import violation
from kmtui.core.errors import ProtocolViolation

LONGEST_TEXT = 8192
"""Characters; the longest texts seen are profile descriptions of a few hundred."""
MOST_ITEMS = 1000
"""Entries of a list: ten times the names any public CA puts into one order."""


class Fields:
    """The members of one JSON object, read by type; `what` names the object in errors."""

    def __init__(self, raw: Mapping[str, Any], what: str, *, where: str = "") -> None:
        self.raw = raw
        self._what = what
        self._where = where

    def text(self, key: str) -> str | None:
        """A string of at most 8 KiB."""
        value = self.raw.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(key, "not text")
        return self._bounded(key, value)

    def flag(self, key: str) -> bool | None:
        """true or false."""
        value = self.raw.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, "neither true nor false")
        return value

    def time(self, key: str) -> datetime | None:
        """An RFC 3339 time in UTC; one that cannot be read counts as absent."""
        value = self.text(key)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; null entries are dropped."""
        items = self._items(key)
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(key, "a list of something else than texts")
        return tuple(self._bounded(key, item) for item in items)

    def object(self, key: str) -> Mapping[str, Any] | None:
        """A nested object."""
        value = self.raw.get(key)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(key, "not an object")
        return value

    def objects(self, key: str) -> tuple[Mapping[str, Any], ...]:
        """A list of nested objects; null entries are dropped."""
        items = self._items(key)
        if not all(isinstance(item, dict) for item in items):
            raise self._wrong(key, "a list of something else than objects")
        return tuple(items)

    def required(self, key: str) -> str:
        """A string that must be there."""
        value = self.text(key)
        if not value:
            raise violation(f"the CA's {self._what} lacks {key!r}", where=self._where)
        return value

    def _items(self, key: str) -> list[Any]:
        value = self.raw.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(key, "not a list")
        if len(value) > MOST_ITEMS:
            raise self._wrong(key, f"a list of more than {MOST_ITEMS} entries")
        return [item for item in value if item is not None]

    def _bounded(self, key: str, value: str) -> str:
        if len(value) > LONGEST_TEXT:
            raise self._wrong(key, f"longer than {LONGEST_TEXT} characters")
        return value

    def _wrong(self, key: str, how: str) -> ProtocolViolation:
        return violation(f"the CA's {self._what} has a {key!r} that is {how}", where=self._where)
