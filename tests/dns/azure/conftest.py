"""A fake Azure with one zone, and accounts opened at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from kmtui.core.dns import registry
from kmtui.core.dns.azure import AzureDns
from kmtui.core.dns.azure_managed import Platform
from kmtui.core.dns.provider import Surroundings
from tests.dns.azure.account import NO_PLATFORM, ZONE, OpenAzure
from tests.dns.fakes.azure import FakeAzure


@pytest.fixture
def fake() -> Iterator[FakeAzure]:
    fake = FakeAzure()
    fake.start()
    fake.add_zone(ZONE)
    yield fake
    fake.stop()


@pytest.fixture
async def open_azure(fake: FakeAzure) -> AsyncIterator[OpenAzure]:
    """Opens an account: `settings` beside the fake's own, None to leave one out."""
    opened: list[AzureDns] = []

    def open_it(
        settings: Mapping[str, str | None] | None = None,
        *,
        secrets: Mapping[str, bytes | str] | None = None,
        environment: Mapping[str, str] | None = None,
        platform: Platform = NO_PLATFORM,
        **collaborators: Any,
    ) -> AzureDns:
        wanted = {**fake.settings, **(settings or {})}
        provider = registry.open_provider(
            "azure",
            {name: value for name, value in wanted.items() if value is not None},
            fake.secrets if secrets is None else secrets,
            Surroundings(environment=environment or {}),
            platform=platform,
            **collaborators,
        )
        assert isinstance(provider, AzureDns)
        opened.append(provider)
        return provider

    yield open_it
    for provider in opened:
        await provider.aclose()
