"""The contract of DNS providers: values at a name come and go, and nothing else changes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from kmtui.core.dns import registry
from kmtui.core.dns.provider import TxtHandle
from kmtui.core.dns_accounts import OpenedDns
from tests.dns.cases import case
from tests.dns.setting import NAME, Setting
from tests.dns.vendor import Vendor
from tests.dns.writers import Writers


class Values(Setting):
    """Cases 1, 2, 3, 7, 8 and 9."""

    @case(1)
    async def test_01_both_values_of_apex_and_wildcard_are_served_at_once(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        zone = await account.find_zone(NAME)
        writes = vendor.writes

        handles = await account.provider.add(zone, NAME, {"value-1", "value-2"}, 60)

        assert vendor.txt(NAME) == [("value-1",), ("value-2",)]
        assert {handle.value for handle in handles} == {"value-1", "value-2"}
        whole_sets = registry.provider_class(vendor.provider).caps.semantics == "rrset"
        if whole_sets and self.one_write:
            assert vendor.writes - writes == 1
        await account.provider.remove(handles)
        assert vendor.txt(NAME) == []

    @case(2)
    async def test_02_values_strings_and_ttl_of_others_stay(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        for value in self.foreign:
            vendor.put(NAME, value, ttl=3600)
        before = vendor.txt(NAME)
        zone = await account.find_zone(NAME)

        handles = await account.provider.add(zone, NAME, {"value-1"}, 60)
        assert vendor.txt(NAME) == sorted([*before, ("value-1",)])
        assert vendor.ttl(NAME) == 3600
        await account.provider.remove(handles)

        assert vendor.txt(NAME) == before
        assert vendor.ttl(NAME) == 3600

    @case(2)
    async def test_02_what_others_add_in_between_stays(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        vendor.put(NAME, ("foreign-1",))
        zone = await account.find_zone(NAME)

        vendor.before_write(lambda: vendor.put(NAME, ("foreign-2",)))
        handles = await account.provider.add(zone, NAME, {"value-1"}, 60)
        assert vendor.txt(NAME) == [("foreign-1",), ("foreign-2",), ("value-1",)]
        if self.guards_removal:
            vendor.before_write(lambda: vendor.put(NAME, ("foreign-3",)))
        await account.provider.remove(handles)

        assert ("value-1",) not in vendor.txt(NAME)
        assert {("foreign-1",), ("foreign-2",)} <= set(vendor.txt(NAME))
        assert (("foreign-3",) in vendor.txt(NAME)) is self.guards_removal

    @case(3)
    async def test_03_two_processes_lose_nothing(
        self, vendor: Vendor, account: OpenedDns, tmp_path: Path
    ) -> None:
        zone = await account.find_zone(NAME)
        async with Writers(account, zone, NAME, vendor.secrets, tmp_path / "locks") as writers:
            await writers.add([f"v{number}" for number in range(10)])
            assert vendor.txt(NAME) == [(f"v{number}",) for number in range(10)]

            await writers.swap(
                remove=[f"v{number}" for number in range(5)],
                add=[f"w{number}" for number in range(5)],
            )

        expected = [f"v{number}" for number in range(5, 10)] + [f"w{n}" for n in range(5)]
        assert vendor.txt(NAME) == [(value,) for value in expected]

    @case(7)
    async def test_07_a_value_that_is_there_already_is_a_success(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        zone = await account.find_zone(NAME)
        await account.provider.add(zone, NAME, {"value-1"}, 60)

        handles = await account.provider.add(zone, NAME, {"value-1"}, 60)

        assert vendor.txt(NAME) == [("value-1",)]
        await account.provider.remove(handles)
        assert vendor.txt(NAME) == []

    @case(7)
    async def test_07_a_value_whose_first_try_arrived_unnoticed_is_a_success(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        zone = await account.find_zone(NAME)
        vendor.before_write(lambda: vendor.put(NAME, ("value-1",), ttl=3600))

        handles = await account.provider.add(zone, NAME, {"value-1"}, 60)

        assert vendor.txt(NAME) == [("value-1",)]
        await account.provider.remove(handles)
        assert vendor.txt(NAME) == []

    @case(8)
    @pytest.mark.parametrize("others", [("foreign",), ()], ids=["others stay", "nothing is left"])
    async def test_08_a_value_that_is_gone_already_is_a_success(
        self, vendor: Vendor, account: OpenedDns, others: tuple[str, ...]
    ) -> None:
        for value in others:
            vendor.put(NAME, (value,))
        zone = await account.find_zone(NAME)
        handles = await account.provider.add(zone, NAME, {"value-1"}, 60)
        vendor.drop(NAME, ("value-1",))

        await account.provider.remove(handles)
        await account.provider.remove(handles)

        assert vendor.txt(NAME) == [(value,) for value in others]

    @case(9)
    async def test_09_what_was_noted_before_creating_is_enough_to_remove(
        self, vendor: Vendor, account: OpenedDns, tmp_path: Path
    ) -> None:
        vendor.put(NAME, ("foreign",))
        zone = await account.find_zone(NAME)
        noted = json.dumps(asdict(TxtHandle.of(zone, NAME, "value-1")))
        await account.provider.add(zone, NAME, {"value-1", "value-2"}, 60)

        async with self.opened(vendor, tmp_path / "locks") as next_start:
            await next_start.provider.remove([TxtHandle(**json.loads(noted))])

        assert vendor.txt(NAME) == [("foreign",), ("value-2",)]
