"""The contract of DNS providers: the zone that is changed is the one the Internet uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmtui.core.dns_accounts import OpenedDns
from kmtui.core.errors import DnsProviderError
from tests.dns.cases import case
from tests.dns.public import PublicDns
from tests.dns.setting import NAME, ZONE, Setting
from tests.dns.vendor import Vendor


class Zones(Setting):
    """Cases 11 to 14."""

    @case(11)
    @pytest.mark.parametrize(
        ("fqdn", "expected"),
        [
            ("_acme-challenge.a.sub.example.org", "sub.example.org"),
            ("_acme-challenge.sub.example.org", "sub.example.org"),
            ("_acme-challenge.host.example.org", "_acme-challenge.host.example.org"),
            ("_acme-challenge.subexample.example.org", "example.org"),
        ],
    )
    async def test_11_the_longest_zone_is_changed(
        self, vendor: Vendor, account: OpenedDns, fqdn: str, expected: str
    ) -> None:
        vendor.add_zone("sub.example.org")
        vendor.add_zone("_acme-challenge.host.example.org")

        zone = await account.find_zone(fqdn)
        assert zone.text == expected
        handles = await account.provider.add(zone, fqdn, {"value-1"}, 60)
        assert vendor.txt(fqdn) == [("value-1",)]
        await account.provider.remove(handles)

        assert vendor.txt(fqdn) == []

    @case(12)
    async def test_12_zones_match_by_labels(self, vendor: Vendor, account: OpenedDns) -> None:
        with pytest.raises(DnsProviderError) as caught:
            await account.find_zone("_acme-challenge.badexample.org")

        assert caught.value.kind == "zone_not_found"
        assert "badexample.org" in caught.value.message
        assert caught.value.hint

    @case(13)
    async def test_13_of_two_zones_the_delegated_one_is_changed(
        self, vendor: Vendor, public: PublicDns, tmp_path: Path
    ) -> None:
        here, there = ("ns1.here.test", "ns2.here.test"), ("ns1.there.test", "ns2.there.test")
        vendor.add_zone(ZONE, nameservers=there)
        vendor.add_zone(ZONE, nameservers=here)
        public.delegate(ZONE, here)

        async with self.opened(
            vendor, tmp_path / "locks", {"resolvers": public.resolvers}
        ) as account:
            zone = await account.find_zone(NAME)

        assert zone.nameservers == here

    @case(13)
    async def test_13_two_zones_that_nothing_tells_apart_are_listed(
        self, vendor: Vendor, public: PublicDns, tmp_path: Path
    ) -> None:
        ids = [vendor.add_zone(ZONE), vendor.add_zone(ZONE)]

        async with self.opened(
            vendor, tmp_path / "locks", {"resolvers": public.resolvers}
        ) as account:
            with pytest.raises(DnsProviderError) as caught:
                await account.find_zone(NAME)

        assert caught.value.kind == "zone_ambiguous"
        assert all(id_.rpartition("/")[2] in caught.value.message for id_ in ids)
        assert caught.value.hint

    @case(14)
    async def test_14_a_zone_that_is_not_the_delegated_one_is_refused(
        self, vendor: Vendor, public: PublicDns, tmp_path: Path
    ) -> None:
        vendor.add_zone(ZONE)
        more = {"resolvers": public.resolvers, "check_delegation": "yes"}

        async with self.opened(vendor, tmp_path / "locks", more) as account:
            zone = await account.provider.find_zone(NAME)
            public.delegate(ZONE, ("ns1.elsewhere.test",))
            with pytest.raises(DnsProviderError) as caught:
                await account.find_zone(NAME)
        async with self.opened(vendor, tmp_path / "locks", more) as account:
            public.delegate(ZONE, zone.nameservers)
            found = await account.find_zone(NAME)

        assert caught.value.kind == "zone_not_delegated_here"
        assert "ns1.elsewhere.test" in caught.value.message
        assert all(server in caught.value.message for server in zone.nameservers)
        assert found.id == zone.id
