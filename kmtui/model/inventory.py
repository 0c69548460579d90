"""What lists are asked for, the audit trail, and the vault's slots."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which rows of a list to show, in which order: what a table or a command asks for.

    `text` holds plain words that must all occur, ``!word`` that must not, and qualifiers such as
    ``status:due``, ``account:name`` or ``ca:name``.
    """

    now: datetime
    """The moment that time-derived states are judged at."""
    text: str = ""
    sort: str = ""
    """A sort word of the list; empty for its own order."""
    descending: bool | None = None
    """None is the natural direction of the sort word; without a sort word it says nothing."""
    offset: int = 0
    limit: int = 128
    include_archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFilter:
    """A filter and an order of one list, kept under a name."""

    list: str
    """The list, as `FILTER_WORDS` calls it."""
    name: str
    text: str
    sort: str
    """A sort word of the list; empty for its own order."""
    descending: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the append-only audit trail."""

    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str | None
    object_name: str
    outcome: str
    """`ok`, `failed` or `started`."""
    detail: str = ""
    origin: str = ""
    """Where whoever acted came from: ``uid 0, sudo mary, ssh 192.0.2.7``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSlot:
    """One way of opening the vault: a passphrase or a key file."""

    id: int
    kind: str
    """`passphrase` or `key-file`."""
    created_at: datetime
    parameters: MappingType[str, Any]
