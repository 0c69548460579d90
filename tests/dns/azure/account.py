"""What the tests of Azure DNS share: names, a host that is not on Azure, and refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kmtui.core.dns.azure import AzureDns
from kmtui.core.dns.azure_managed import Platform
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import TxtHandle
from kmtui.core.errors import DnsProviderError

ZONE = "example.org"
NAME = f"_acme-challenge.{ZONE}"
NOWHERE = Path("/nonexistent")
NO_PLATFORM = Platform(
    imds="http://127.0.0.1:1", arc_agent=NOWHERE / "himds", arc_challenges=NOWHERE
)
"""A host that is not on Azure: nothing listens, nothing is installed."""

OpenAzure = Callable[..., AzureDns]


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def publish(provider: AzureDns, *values: str, name: str = NAME) -> list[TxtHandle]:
    return await provider.add(await provider.find_zone(name), name, set(values), 60)


async def refused(call: Awaitable[object], *, seconds: float = 10) -> DnsProviderError:
    """The error of a call that must fail with one that names the next step."""
    with patience(seconds), pytest.raises(DnsProviderError) as caught:
        await call
    assert caught.value.hint, "every error names the next step"
    return caught.value
