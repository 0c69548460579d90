"""Azure DNS: values of others behind an ETag, zones by listing or by id, refusals in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dns.contract import Contract
from tests.dns.fakes.azure import FakeAzure


class TestAzureContract(Contract):
    also = (
        "tests.dns.azure.test_records",
        "tests.dns.azure.test_refusals",
        "tests.dns.azure.test_sign_in",
        "tests.dns.azure.test_zones",
    )

    @pytest.fixture
    def vendor(self) -> Iterator[FakeAzure]:
        vendor = FakeAzure()
        vendor.start()
        yield vendor
        vendor.stop()
