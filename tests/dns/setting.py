"""What the tests of a DNS provider stand on: a vendor, an account there, and a public DNS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from kmtui.core.dns_accounts import OpenedDns
from kmtui.model import DnsAccount
from tests.dns.cases import cases_of
from tests.dns.public import PUBLIC, PublicDns
from tests.dns.vendor import Strings, Vendor

ZONE = "example.org"
NAME = f"_acme-challenge.{ZONE}"


class Setting:
    """The fixtures of the contract, and what a subclass says of its vendor."""

    cannot: ClassVar[dict[int, str]] = {}
    """Cases that cannot be at this vendor, each with the reason."""
    also: ClassVar[tuple[str, ...]] = ()
    """Further modules with tests of this provider: ``tests.dns.test_example_login``."""
    foreign: ClassVar[tuple[Strings, ...]] = (("foreign",), ("a", "b"))
    """Values of others; without the one of two strings where a vendor cannot hold such."""
    guards_removal: ClassVar[bool] = True
    """Whether a value that others add while ours is removed is safe."""
    tells_wrong_secrets: ClassVar[bool] = True
    """Whether there are secrets, and the vendor of these tests looks at them."""
    one_write: ClassVar[bool] = True
    """Whether all values of a name go in one call, where each write replaces the set."""
    zones: ClassVar[tuple[str, ...]] = ()
    """Zones to configure, where nothing at the vendor tells them."""
    limit_says_when: ClassVar[bool] = True
    """Whether a refusal by the rate limit tells when to come back."""

    def __init_subclass__(cls) -> None:
        """A test of what cannot be is not a test of the subclass."""
        for name in dir(cls):
            numbers = cases_of(getattr(cls, name))
            if numbers & cls.cannot.keys():
                setattr(cls, name, None)  # pytest collects what can be called.
        if not cls.tells_wrong_secrets:
            setattr(cls, "test_wrong_secrets_are_told_and_not_shown", None)  # noqa: B010

    # What a subclass gives

    @pytest.fixture
    def vendor(self) -> Iterator[Vendor]:
        """The vendor, without zones and without anything left by the test before."""
        raise NotImplementedError

    def wrong_secrets(self, vendor: Vendor) -> dict[str, str]:
        """The secrets with a slip in each: still readable, and still canaries."""
        return {name: _with_slip(value) for name, value in vendor.secrets.items()}

    # How the tests reach it

    @pytest.fixture
    async def public(self) -> AsyncIterator[PublicDns]:
        """The public DNS, in which nothing is delegated yet."""
        public = PublicDns()
        async with public.running():
            yield public

    @asynccontextmanager
    async def opened(
        self,
        vendor: Vendor,
        locks: Path,
        settings: dict[str, str] | None = None,
        *,
        secrets: dict[str, str] | None = None,
    ) -> AsyncIterator[OpenedDns]:
        """An account at the vendor, at work as in kmtui; `settings` beside the vendor's own."""
        usual = {"check_delegation": "no", "resolvers": f"{PUBLIC}:1"}
        found = vendor.secrets if secrets is None else secrets
        account = DnsAccount(
            id="account-1",
            name="lab",
            provider=vendor.provider,
            settings={**usual, **vendor.settings, **(settings or {})},
            secret_names=tuple(sorted(found)),
            zones=self.zones,
            created_at=datetime(2026, 11, 23, tzinfo=UTC),
        )
        opened = OpenedDns(account, found, locks=locks)
        try:
            yield opened
        finally:
            await opened.provider.aclose()

    @pytest.fixture
    async def account(self, vendor: Vendor, tmp_path: Path) -> AsyncIterator[OpenedDns]:
        """An account with the zone example.org, and nothing checked about its delegation."""
        vendor.add_zone(ZONE)
        async with self.opened(vendor, tmp_path / "locks") as opened:
            yield opened


def _with_slip(secret: str) -> str:
    middle = len(secret) // 2
    return secret[:middle] + ("x" if secret[middle] != "x" else "y") + secret[middle + 1 :]
