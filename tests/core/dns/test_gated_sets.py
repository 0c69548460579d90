"""Changes of one name where each write replaces the whole set: waiting ones are made together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import pytest

from kmtui.core.dns.gated import GatedProvider
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.provider import Caps, TxtHandle, Zone
from kmtui.core.dns.rfc2136 import Rfc2136
from kmtui.core.errors import DnsProviderError

ZONE = Zone(id="z", name=parse_name("a.test"))
NAME = "_acme-challenge.a.test"


class Sets(Rfc2136):
    """Sets of values by name, read, then written a moment later as a whole."""

    caps = Caps(semantics="rrset", at_once=50, at_once_per_zone=50)

    def __init__(self) -> None:
        super().__init__({"server": "127.0.0.1"}, {})
        self.there: dict[str, frozenset[str]] = {}
        self.writes = 0
        self.now = self.most = 0
        self.failures = 0

    async def add(
        self, zone: Zone, fqdn: str, values: AbstractSet[str], ttl: int
    ) -> list[TxtHandle]:
        await self._write(fqdn, self.there.get(fqdn, frozenset()) | values)
        return [TxtHandle.of(zone, fqdn, value) for value in values]

    async def remove(self, handles: Sequence[TxtHandle]) -> None:
        fqdn = handles[0].fqdn
        await self._write(fqdn, self.there[fqdn] - {handle.value for handle in handles})

    async def _write(self, fqdn: str, values: frozenset[str]) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        self.writes += 1
        if self.failures:
            self.failures -= 1
            raise DnsProviderError("failed", kind="transient")
        self.there[fqdn] = values


def handle(value: str, fqdn: str = NAME) -> TxtHandle:
    return TxtHandle.of(ZONE, fqdn, value)


async def test_what_waits_for_one_name_is_written_together() -> None:
    sets = Sets()
    gated = GatedProvider(sets)
    values = [f"v{number:02}" for number in range(20)]

    added = await asyncio.gather(*(gated.add(ZONE, NAME, {value}, 60) for value in values))
    assert sets.there[NAME] == set(values)
    await asyncio.gather(*(gated.remove([handle(value)]) for value in values))

    assert [[each.value for each in handles] for handles in added] == [[value] for value in values]
    assert sets.there[NAME] == set()
    assert (sets.writes, sets.most) == (4, 1)


async def test_two_may_add_and_remove_the_same_value() -> None:
    sets = Sets()
    gated = GatedProvider(sets)

    added = await asyncio.gather(*(gated.add(ZONE, NAME, {"shared"}, 60) for _ in range(5)))
    await asyncio.gather(*(gated.remove([handle("shared")]) for _ in range(5)))

    assert [[each.value for each in handles] for handles in added] == [["shared"]] * 5
    assert sets.there[NAME] == set()


@pytest.mark.parametrize("failures", [1, 3])
async def test_a_write_that_fails_takes_nobody_with_it(failures: int) -> None:
    sets = Sets()
    gated = GatedProvider(sets)
    sets.failures = failures

    results = await asyncio.gather(
        *(gated.add(ZONE, NAME, {"shared"}, 60) for _ in range(5)), return_exceptions=True
    )

    assert [isinstance(result, DnsProviderError) for result in results].count(True) == failures
    assert sets.there[NAME] == {"shared"}


async def test_a_removal_that_fails_is_no_success_of_those_who_wait() -> None:
    sets = Sets()
    gated = GatedProvider(sets)
    await gated.add(ZONE, NAME, {"shared", "other"}, 60)
    sets.failures = 1

    results = await asyncio.gather(
        *(gated.remove([handle("shared")]) for _ in range(3)), return_exceptions=True
    )

    assert [type(result) for result in results] == [DnsProviderError, type(None), type(None)]
    assert sets.there[NAME] == {"other"}


async def test_names_of_one_call_are_changed_side_by_side_and_fail_by_themselves() -> None:
    sets = Sets()
    gated = GatedProvider(sets)
    names = [f"_acme-challenge.{number}.a.test" for number in range(20)]
    await asyncio.gather(*(gated.add(ZONE, name, {"ours"}, 60) for name in names))
    sets.most, sets.failures = 0, 1

    with pytest.raises(DnsProviderError):
        await gated.remove([handle("ours", name) for name in names])

    assert sets.most == len(names)
    assert sum(bool(values) for values in sets.there.values()) == 1
