"""A stage for deployments, shared by the tests of one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmtui.core.core import Core
from tests.core.deployment.scene import Stage, staged


@pytest.fixture
async def stage(core: Core, tmp_path: Path) -> Stage:
    """An inventory with an end server and a certificate of two versions."""
    return await staged(core, tmp_path)
