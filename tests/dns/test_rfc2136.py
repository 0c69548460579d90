"""RFC 2136 keeps the contract of DNS providers, with a real BIND."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from kmtui.core.dns_accounts import OpenedDns
from tests.dns.bind import SERVED, BindVendor
from tests.dns.cases import case
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

    @case(25)
    async def test_25_a_host_under_a_wildcard_resolves_again(
        self, vendor: BindVendor, bind: Bind, account: OpenedDns
    ) -> None:
        """A record below a host makes the host exist, so that no wildcard covers it (RFC 4592)."""
        host = "mail.example.org"
        fqdn = f"_acme-challenge.{host}"
        zone = await account.find_zone(fqdn)
        assert bind.addresses_of(host) == ["127.0.0.1"]

        handles = await account.provider.add(zone, fqdn, {"value-1"}, 60)
        assert bind.addresses_of(host) == []
        await account.provider.remove(handles)

        assert bind.addresses_of(host) == ["127.0.0.1"]
