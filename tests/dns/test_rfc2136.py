"""RFC 2136 keeps the contract of DNS providers, with a real BIND."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from tests.dns.bind import SERVED, BindVendor
from tests.dns.contract import Contract
from tests.servers.bind import Bind


@pytest.fixture(scope="module")
def bind(bind_factory: Callable[..., Bind]) -> Bind:
    return bind_factory(zones=SERVED)


class TestRfc2136Contract(Contract):
    cannot: ClassVar[dict[int, str]] = {
        13: "a name server has one zone of a name; views are chosen by address or key",
        21: "name servers do not limit the rate of updates",
    }

    also: ClassVar[tuple[str, ...]] = (
        "tests.core.dns.test_rfc2136",
        "tests.core.dns.test_rfc2136_errors",
    )

    @pytest.fixture
    def vendor(self, bind: Bind) -> Iterator[BindVendor]:
        vendor = BindVendor(bind)
        vendor.start()
        yield vendor
        vendor.stop()
