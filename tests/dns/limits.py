"""The contract of DNS providers: limits and failures of a vendor are waited for, or told."""

from __future__ import annotations

import asyncio

import pytest

from kmtui.core.dns.patience import patience
from kmtui.core.dns_accounts import OpenedDns
from kmtui.core.errors import DnsProviderError
from tests.dns.cases import case
from tests.dns.setting import NAME, ZONE, Setting
from tests.dns.vendor import Vendor


class Limits(Setting):
    """Case 21."""

    @case(21)
    async def test_21_a_rate_limit_is_waited_for_and_told(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        said: list[str] = []

        async def tell(what: str) -> None:
            said.append(what)

        names = [f"_acme-challenge.{label}.{ZONE}" for label in "abcde"]
        zone = await account.find_zone(names[0])
        vendor.too_fast(times=2, seconds=2)

        with patience(30, tell):
            await asyncio.gather(
                *(account.provider.add(zone, name, {"value-1"}, 60) for name in names)
            )

        assert [vendor.txt(name) for name in names] == [[("value-1",)]] * 5
        assert said or not self.limit_says_when

    @case(21)
    async def test_21_a_limit_beyond_the_deadline_is_an_error_at_once(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        zone = await account.find_zone(NAME)
        vendor.too_fast(times=1000, seconds=600)
        calls = len(vendor.calls)
        started = asyncio.get_running_loop().time()

        with patience(2), pytest.raises(DnsProviderError) as caught:
            await account.provider.add(zone, NAME, {"value-1"}, 60)

        assert caught.value.kind == "rate_limited"
        assert asyncio.get_running_loop().time() - started < 4
        assert len(vendor.calls) - calls <= 12
        if self.limit_says_when:
            assert (caught.value.retry_after or 0) > 500
        assert vendor.txt(NAME) == []

    async def test_a_failure_of_the_vendor_passes_or_is_told_as_passing(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        zone = await account.find_zone(NAME)

        vendor.fail()
        told = None
        try:
            await account.provider.add(zone, NAME, {"value-1"}, 60)
        except DnsProviderError as error:
            told = error
            await account.provider.add(zone, NAME, {"value-1"}, 60)

        assert told is None or (told.kind == "transient" and told.hint)
        assert vendor.txt(NAME) == [("value-1",)]
