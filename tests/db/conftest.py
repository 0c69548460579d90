"""An inventory of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kmtui.db.database import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's inventory lies; nothing is there yet."""
    return tmp_path / "state" / "kmtui.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    """A new inventory."""
    database = Database.open(path)
    yield database
    database.close_sync()
