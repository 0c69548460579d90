"""An inventory at the moment that the issuer of the tests thinks it is."""

from __future__ import annotations

import pytest

from kmtui.core.core import Core
from tests.core.imports.bringing import DIRECTORY
from tests.core.issuer import NOW


@pytest.fixture
async def core(core: Core) -> Core:
    """Unlocked and empty, and it knows the CA of the state directories."""
    object.__setattr__(core.context, "clock", lambda: NOW)
    await core.cas.add("example", directory_url=DIRECTORY)
    return core
