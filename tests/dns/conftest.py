"""Assertions of the contract say what they saw, as those of test modules do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(f"tests.dns.{name}" for name in ("contract", "forms", "limits", "orders", "values", "zones"))
)
