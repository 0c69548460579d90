"""Importing in the tests, and what they ask about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kmtui.core.core import Core
from kmtui.core.imports.outcome import Imported
from kmtui.model import Certificate, ListQuery, Version
from tests.core.imports.made import Made
from tests.core.issuer import NOW

DIRECTORY = "https://ca.example.org/directory"


async def brought(core: Core, *places: Path, **options: Any) -> list[Imported]:
    """What became of everything in these places."""
    found = await core.imports.look([str(place) for place in places], **options)
    return await core.imports.carry_out(found)


def fates(outcomes: Sequence[Imported]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.name, str(each.fate)) for each in outcomes]


async def kept(core: Core, word: str = "shop.example.org") -> tuple[Certificate, list[Version]]:
    """A certificate and its versions, oldest first."""
    return await core.certificates.get(word), (await core.certificates.history(word))[::-1]


async def count(core: Core) -> int:
    """How many certificates there are."""
    return await core.certificates.count(ListQuery(now=NOW, include_archived=True))


def combined(each: Made) -> str:
    """Key and chain in one text."""
    return each.key_pem + each.fullchain_pem
