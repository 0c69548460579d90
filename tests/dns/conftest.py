"""A DNS account at the vendor of a test module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.dns.opening import Opening
from tests.dns.vendor import Vendor


@pytest.fixture
async def opened(vendor: Vendor) -> AsyncIterator[Opening]:
    """Opens accounts at the test module's vendor."""
    opening = Opening(vendor)
    yield opening
    await opening.close()
