"""Two processes that add and remove 200 values at one name, where each write replaces the set."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dns.fake import FakeVendor
from tests.dns.fakes.azure import FakeAzure
from tests.dns.fakes.godaddy import FakeGoDaddy
from tests.dns.fakes.route53 import FakeRoute53
from tests.dns.setting import NAME, ZONE, Setting
from tests.dns.writers import Writers

DELAY = 0.03
"""Seconds between a call and what it does: time for another to come in between."""
VALUES = [f"value-{number:03}" for number in range(200)]
AT_ONCE = {FakeAzure: 100, FakeRoute53: 100, FakeGoDaddy: 40}
"""How many come while as many go; GoDaddy's sets of a hundred are not written any more."""
THEIRS = [("theirs",), ("v=spf1", " -all")]


class TestManyAtOneName(Setting):
    @pytest.fixture
    def vendor(self, request: pytest.FixtureRequest) -> Iterator[FakeVendor]:
        vendor: FakeVendor = request.param(delay=DELAY)
        vendor.start()
        vendor.add_zone(ZONE)
        yield vendor
        vendor.stop()

    @pytest.mark.parametrize("vendor", [FakeAzure, FakeRoute53, FakeGoDaddy], indirect=True)
    async def test_processes_of_one_inventory_lose_nothing_and_leave_nothing(
        self, vendor: FakeVendor, tmp_path: Path
    ) -> None:
        for value in THEIRS:
            vendor.put(NAME, value)

        await self.hammer(vendor, tmp_path / "locks", tmp_path / "locks")

        assert vendor.txt(NAME) == sorted(THEIRS)

    @pytest.mark.parametrize("vendor", [FakeAzure, FakeRoute53], indirect=True)
    async def test_programs_that_do_not_know_each_other_lose_nothing_and_leave_nothing(
        self, vendor: FakeVendor, tmp_path: Path
    ) -> None:
        """The vendor's own guard is all there is between two inventories and a third program."""
        numbers = itertools.count()
        vendor.put(NAME, THEIRS[0])
        vendor.before_write(lambda: vendor.put(NAME, (f"theirs-{next(numbers)}",)), times=5)

        await self.hammer(vendor, tmp_path / "ours", tmp_path / "theirs")

        assert vendor.txt(NAME) == sorted([THEIRS[0], *((f"theirs-{n}",) for n in range(5))])

    async def hammer(self, vendor: FakeVendor, locks: Path, locks_of_the_other: Path) -> None:
        """Values come while those before them go, each by a call of its own, from both sides."""
        some = AT_ONCE[type(vendor)]
        waves = [VALUES[start : start + some] for start in range(0, len(VALUES), some)]
        async with self.opened(vendor, locks) as account:
            zone = await account.find_zone(NAME)
            writers = Writers(account, zone, NAME, vendor.secrets, locks_of_the_other)
            async with writers:
                for before, wave in itertools.pairwise([[], *waves, []]):
                    await writers.swap(add=wave, remove=before)
                    ours = {value for value in vendor.txt(NAME) if value[0] in VALUES}
                    assert ours == {(value,) for value in wave}
