"""What every DNS provider must do, tested through its real protocol.

A provider's test module subclasses `Contract` and gives it a vendor::

    class TestExampleContract(Contract):
        cannot = {13: "a zone name is unique at this vendor"}

        @pytest.fixture
        def vendor(self) -> Iterator[ExampleVendor]:
            vendor = ExampleVendor()
            vendor.start()
            yield vendor
            vendor.stop()

The account is used as kmtui uses it: opened from settings and secrets, behind its limits, with the
delegation check and a name server of the tests' own as the public DNS. What a subclass may say of
its vendor is in `tests.dns.setting`; which cases there are, in `tests.dns.cases`.
"""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.dns.cases import ONLY_AT, TITLES, held_by
from tests.dns.forms import Forms
from tests.dns.limits import Limits
from tests.dns.orders import Orders
from tests.dns.values import Values
from tests.dns.vendor import Vendor
from tests.dns.zones import Zones

GENERAL = ("tests.core.challenges.test_delegation", "tests.core.challenges.test_propagation")
"""Tests of what is the same for all providers, whatever the vendor."""


class Contract(Values, Zones, Limits, Forms, Orders):
    """The invariants and edge cases; not collected by itself."""

    def test_each_case_is_held_or_cannot_be(
        self, vendor: Vendor, request: pytest.FixtureRequest
    ) -> None:
        provider = vendor.provider
        places = [type(self), request.module, *map(import_module, (*self.also, *GENERAL))]
        held = set().union(*map(held_by, places))
        elsewhere = {number for number, where in ONLY_AT.items() if provider not in where}

        assert not [
            f"{number}: {TITLES[number]}"
            for number in TITLES.keys() - held - self.cannot.keys() - elsewhere
        ]
        assert all(self.cannot.values()), "each needs its reason"
