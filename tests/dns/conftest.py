"""Assertions of the contract say what they saw, as those of test modules do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.dns.opening import Opening
from tests.dns.vendor import Vendor

pytest.register_assert_rewrite(
    *(f"tests.dns.{name}" for name in ("contract", "forms", "limits", "orders", "values", "zones"))
)


@pytest.fixture
async def opened(vendor: Vendor) -> AsyncIterator[Opening]:
    """Opens accounts at the test module's vendor."""
    opening = Opening(vendor)
    yield opening
    await opening.close()
