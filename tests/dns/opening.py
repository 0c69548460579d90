"""Accounts at a vendor for the tests of one provider, without what kmtui puts around them."""

from __future__ import annotations

from typing import Any

from kmtui.core.dns.provider import DnsProvider, Surroundings
from kmtui.core.dns.registry import open_provider
from tests.dns.vendor import Vendor


class Opening:
    """Opens accounts; whoever made it closes them all at the end of a test."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._opened: list[DnsProvider] = []

    def __call__(self, secrets: dict[str, str] | None = None, **settings: str) -> DnsProvider:
        """An account with the vendor's settings and these; with `secrets` instead of the vendor's,
        when they are given."""
        return self.around(Surroundings(), secrets, **settings)

    def around(
        self,
        surroundings: Surroundings,
        secrets: dict[str, str] | None = None,
        /,
        *,
        collaborators: dict[str, Any] | None = None,
        **settings: str,
    ) -> DnsProvider:
        """The same with something around it."""
        provider = open_provider(
            self._vendor.provider,
            {**self._vendor.settings, **settings},
            self._vendor.secrets if secrets is None else secrets,
            surroundings,
            **(collaborators or {}),
        )
        self._opened.append(provider)
        return provider

    async def close(self) -> None:
        """Close all of them."""
        for provider in self._opened:
            await provider.aclose()
