"""What the tests of a provider watch: what its callers are told, and how it refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from kmtui.core.dns.patience import patience
from kmtui.core.errors import DnsProviderError
from tests.dns.fake import FakeVendor, Value


class Listener:
    """A caller that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def __call__(self, text: str) -> None:
        self.said.append(text)


async def refused(call: Awaitable[object], seconds: float = 10) -> DnsProviderError:
    """The error that a call ends with, for a caller that waits so long."""
    with patience(seconds), pytest.raises(DnsProviderError) as caught:
        await call
    assert caught.value.hint, "every error names the next step"
    return caught.value


def after_next_change(fake: FakeVendor, act: Callable[[], None]) -> None:
    """Do something right after the next write took effect: what others do in between."""

    def once(name: str, values: list[Value]) -> None:
        fake.on_change = None
        act()

    fake.on_change = once
