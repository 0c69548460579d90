"""A core for the screens: an empty inventory, one in the sandbox, and samples to fill one with."""

from collections.abc import AsyncIterator

import pytest

from kmtui.core.core import Core
from kmtui.db.database import Database
from kmtui.db.files import FILE_NAME
from tests.core.acme.conftest import ca, clock
from tests.core.conftest import bench, core
from tests.db.samples import Filled
from tests.torture.edge_cases.conftest import desk

__all__ = ["bench", "ca", "clock", "core", "desk", "filled"]


@pytest.fixture
async def filled(core: Core) -> AsyncIterator[Filled]:
    """Stores samples in the core's inventory, as another process would."""
    db = Database.open(core.data / FILE_NAME)
    yield Filled(db)
    await db.close()
