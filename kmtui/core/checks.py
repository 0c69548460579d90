"""Tests of what an operator set up: their lines, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import Any

from kmtui.core.errors import KmtuiError, Refused, VaultError
from kmtui.model import CheckLine, Mapping


async def findings(look: Awaitable[Iterable[CheckLine]]) -> list[CheckLine]:
    """What a test found; an error that ends it is a finding too.

    Raises VaultError: a locked vault says nothing about what was to be tested.
    """
    try:
        return list(await look)
    except VaultError:
        raise
    except KmtuiError as error:
        return [CheckLine(False, error.message)] + (
            [CheckLine(None, error.hint)] if error.hint else []
        )


def remembered(lines: Sequence[CheckLine], at: datetime) -> dict[str, Any]:
    """The columns of the last test: when, whether all was well, and what was not first."""
    return {
        "last_test_at": at,
        "last_test_ok": all(line.ok is not False for line in lines),
        "last_test_detail": next((line.text for line in lines if line.ok is False), "ok"),
    }


def refuse_in_use(name: str, mappings: Sequence[Mapping]) -> None:
    """Raise Refused while mappings lead to what is to be deleted."""
    if mappings:
        patterns = ", ".join(mapping.pattern for mapping in mappings)
        raise Refused(
            f"{name} serves the mappings {patterns}",
            hint="delete or change those mappings first",
        )
