"""A DNS account that many requests share: its limits, its order and its pace."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import pytest

from kmtui.core.dns.gated import GatedProvider
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.provider import Caps, TxtHandle, Zone
from kmtui.core.dns.rfc2136 import Rfc2136
from kmtui.core.errors import DnsProviderError

CAPS = Caps(at_once=5, at_once_per_zone=2)
ZONES = [Zone(id=name, name=parse_name(name)) for name in ("a.test", "b.test", "c.test")]


class Counting(Rfc2136):
    """Counts what is under way, in all and in each zone."""

    caps = CAPS

    def __init__(self) -> None:
        super().__init__({"server": "127.0.0.1"}, {})
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.done: list[str] = []

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        await self._work(zone.text)
        self.done.append(fqdn)
        return []

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        await self._work(handles[0].zone_name)

    async def _work(self, zone: str) -> None:
        for kind in ("all", zone):
            self.now[kind] += 1
            self.most[kind] = max(self.most[kind], self.now[kind])
        await asyncio.sleep(0.001)
        for kind in ("all", zone):
            self.now[kind] -= 1


async def test_an_account_and_each_of_its_zones_are_bounded() -> None:
    provider = Counting()
    gated = GatedProvider(provider)

    await asyncio.gather(
        *(gated.add(zone, f"x.{zone.text}", {"v"}, 60) for zone in ZONES for _ in range(20)),
        *(gated.remove([TxtHandle.of(zone, "x", "v")]) for zone in ZONES for _ in range(20)),
    )

    assert provider.most["all"] == CAPS.at_once
    assert [provider.most[zone.text] for zone in ZONES] == [CAPS.at_once_per_zone] * 3


async def test_first_come_first_served() -> None:
    provider = Counting()
    gated = GatedProvider(provider)
    names = [f"{number}.a.test" for number in range(10)]

    await asyncio.gather(*(gated.add(ZONES[0], name, {"v"}, 60) for name in names))

    assert provider.done == names


async def test_a_call_that_fails_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: Counting, *_: object) -> list[TxtHandle]:
        raise DnsProviderError("refused", kind="refused")

    gated = GatedProvider(Counting())
    monkeypatch.setattr(Counting, "add", refuse)
    results = await asyncio.gather(
        *(gated.add(ZONES[0], "x.a.test", {"v"}, 60) for _ in range(20)), return_exceptions=True
    )

    assert {type(result) for result in results} == {DnsProviderError}
    async with asyncio.timeout(2):
        await gated.remove([TxtHandle.of(ZONES[0], "x", "v")])
