"""The contract of DNS providers: whole orders, with a CA that looks at what the vendor holds."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kmtui.core.challenges.delegation import Delegation
from kmtui.core.challenges.propagation import Propagation
from kmtui.core.core import Core
from kmtui.core.dns import registry
from kmtui.core.sandbox.ca import PracticeCa
from kmtui.core.sandbox.issuer import Issuer
from kmtui.core.sandbox.state import State
from kmtui.core.sandbox.validation import Validator
from kmtui.model import RequestSpec, RequestStatus
from tests.dns.cases import case
from tests.dns.forms import logged, require_absent
from tests.dns.public import PUBLIC, PublicDns
from tests.dns.setting import NAME, ZONE, Setting
from tests.dns.vendor import Vendor

NAMESERVERS = ("ns1.vendor.test", "ns2.vendor.test")


class Orders(Setting):
    """Cases 10, 15 and 25."""

    @asynccontextmanager
    async def core(
        self, vendor: Vendor, public: PublicDns, data: Path, **settings: str
    ) -> AsyncIterator[Core]:
        """An inventory whose names of example.org are proved by an account at the vendor."""
        core = await Core.open(data, actor="tester@here")
        ca = PracticeCa(
            Issuer.open(None),
            State.open(None),
            Validator((PUBLIC,), public.endpoint.port, 0),
            zones=(ZONE,),
        )
        await ca.start()
        try:
            await core.access.initialise_with_key_file(data.parent / "vault.key")
            await core.cas.add("sandbox", directory_url=f"{ca.base}/directory")
            await core.accounts.register(
                "practice", ca="sandbox", email="ops@example.org", agree_tos=True
            )
            common = {"check_delegation": "no", "resolvers": public.resolvers}
            await core.dns_accounts.add(
                "lab",
                provider=vendor.provider,
                settings={**vendor.settings, **common, **settings},
                secrets=vendor.secrets,
                zones=[],
            )
            await core.mappings.add(f".{ZONE}", dns="lab")
            yield core
        finally:
            await core.close(seconds=5)
            await ca.close()

    @case(10)
    @pytest.mark.parametrize("when", ["while it adds", "while it waits"])
    async def test_10_a_cancelled_order_leaves_nothing(
        self, vendor: Vendor, public: PublicDns, tmp_path: Path, when: str
    ) -> None:
        vendor.add_zone(ZONE)
        vendor.put(NAME, ("foreign",))
        public.delegate(ZONE, NAMESERVERS, vendor=vendor)
        public.hides = True
        writing = threading.Event()

        def linger() -> None:
            writing.set()
            time.sleep(0.3)

        vendor.before_write(linger)
        async with self.core(vendor, public, tmp_path / "data") as core:
            request = await core.requests.create(RequestSpec(names=(ZONE,), account="practice"))
            assert await asyncio.to_thread(writing.wait, 10)
            if when == "while it waits":
                await _until(lambda: len(vendor.txt(NAME)) == 2)

            cancelled = await core.requests.cancel(request.id)

            assert cancelled.status == RequestStatus.CANCELLED
            assert vendor.txt(NAME) == [("foreign",)]
            assert await core.requests.leftovers() == 0
        if when == "while it adds":
            await asyncio.sleep(0.5)
            assert vendor.txt(NAME) == [("foreign",)], "a write came late"

    @case(15)
    async def test_15_the_account_of_the_aliased_zone_is_changed(
        self, vendor: Vendor, public: PublicDns, tmp_path: Path
    ) -> None:
        alias = f"x.acme.{ZONE}"
        vendor.add_zone(f"acme.{ZONE}")
        public.delegate("shop.test", ("ns1.shop.test",), f"_acme-challenge.www CNAME {alias}.")
        public.delegate(f"acme.{ZONE}", NAMESERVERS, vendor=vendor)
        async with self.opened(vendor, tmp_path, {"resolvers": public.resolvers}) as account:
            found = await Delegation(account.authorities).effective_name(
                "_acme-challenge.www.shop.test"
            )
            zone = await account.find_zone(found.text)
            handles = await account.provider.add(zone, found.text, {"value-1"}, 60)
            sights = await Propagation(account.resolvers, authorities=account.authorities).wait(
                found.text, {"value-1"}, deadline=5
            )
            await account.provider.remove(handles)

        assert (found.text, zone.text) == (alias, f"acme.{ZONE}")
        assert all(sight.seen for sight in sights)
        assert vendor.txt(alias) == []

    @case(25)
    async def test_25_a_whole_order_shows_no_secret_and_leaves_nothing(
        self,
        vendor: Vendor,
        public: PublicDns,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        vendor.add_zone(ZONE)
        vendor.put(NAME, ("foreign",))
        public.delegate(ZONE, NAMESERVERS, "*.wild A 127.0.0.1", vendor=vendor)
        caplog.set_level(logging.DEBUG)
        names = (ZONE, f"*.{ZONE}", f"host.wild.{ZONE}", f"bücher.{ZONE}")
        async with self.core(vendor, public, tmp_path / "data", ttl="10") as core:
            request = await core.requests.create(RequestSpec(names=names, account="practice"))
            done = await core.requests.wait(request.id, seconds=30)
            lines = [line.text for line in await core.requests.log(request.id)]
            left = await core.requests.leftovers()

        assert done.status == RequestStatus.AVAILABLE, (done.problem, lines)
        assert vendor.txt(NAME) == [("foreign",)]
        assert vendor.txt(f"_acme-challenge.host.wild.{ZONE}") == []
        assert vendor.txt(f"_acme-challenge.xn--bcher-kva.{ZONE}") == []
        assert left == 0
        smallest = registry.provider_class(vendor.provider).caps.min_ttl
        assert any("TTL 10 is raised" in line for line in lines) is (smallest > 10)
        stored = [path.read_bytes().decode("latin-1") for path in (tmp_path / "data").rglob("*.*")]
        require_absent(vendor.secrets, [*logged(caplog), *lines, *stored, vendor.received])


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - a vendor has no event to wait for
            await asyncio.sleep(0.02)
