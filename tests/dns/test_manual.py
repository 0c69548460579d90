"""A record made by hand: it is named, waited for, and named again when it is of no use any more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from kmtui.core.core import Core
from kmtui.core.dns.manual import Manual
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import Surroundings, Zone
from kmtui.model import RequestSpec, RequestStatus
from tests.dns.fakes.hook import HookVendor
from tests.dns.orders import NAMESERVERS, Orders
from tests.dns.public import PublicDns
from tests.dns.setting import NAME, ZONE

HERE = Zone(id=ZONE, name=parse_name(ZONE))


class HandVendor(HookVendor):
    """A zone that a person changes in a browser; nothing of it can be reached."""

    provider: ClassVar[str] = "manual"

    @property
    def settings(self) -> dict[str, str]:
        return {}


class Bench(Orders):
    """An inventory whose names are proved by hand."""


@pytest.fixture
async def public() -> AsyncIterator[PublicDns]:
    public = PublicDns()
    async with public.running():
        yield public


async def told(core: Core, request_id: str, pattern: str, count: int) -> list[tuple[str, ...]]:
    """What the lines of a request's log say, once so many fit."""
    async with asyncio.timeout(10):
        while True:
            lines = [line.text for line in await core.requests.log(request_id)]
            found = [match.groups() for line in lines if (match := re.fullmatch(pattern, line))]
            if len(found) == count:
                return found
            await asyncio.sleep(0.02)


async def test_an_order_goes_on_when_the_records_it_named_can_be_seen(
    public: PublicDns, tmp_path: Path
) -> None:
    vendor = HandVendor(tmp_path)
    public.delegate(ZONE, NAMESERVERS, vendor=vendor)
    async with Bench().core(vendor, public, tmp_path / "data") as core:
        spec = RequestSpec(names=(ZONE, f"*.{ZONE}"), account="practice")
        request = await core.requests.create(spec)

        records = await told(core, request.id, r"make this record: (\S+) 60 TXT (\S+)", 2)
        await told(core, request.id, r".*: (2 TXT records to be made) .*", 1)
        waiting = await core.requests.challenges(request.id)
        for name, value in records:
            vendor.put(name, (value,))
        done = await core.requests.wait(request.id, seconds=30)
        lines = [line.text for line in await core.requests.log(request.id)]
        left = await core.requests.leftovers()

    assert {name for name, _ in records} == {NAME}
    assert {(each.fqdn, each.value) for each in waiting} == set(records)
    assert all(each.detail.startswith("TXT to be made by hand") for each in waiting)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    for name, value in records:
        assert f"this record may be removed now: {name} TXT {value}" in lines
    assert lines[-1] == "everything published was removed, except what was made by hand"
    assert left == 0


async def test_several_values_are_told_with_their_ttl() -> None:
    said: list[str] = []

    async def hear(text: str) -> None:
        said.append(text)

    with patience(5, hear):
        handles = await Manual({"zones": ZONE}, {}).add(HERE, NAME, {"v2", "v1"}, 60)

    assert said == [f"make this record: {NAME} 60 TXT v1", f"make this record: {NAME} 60 TXT v2"]
    assert [handle.value for handle in handles] == ["v1", "v2"]


async def test_a_test_says_what_there_is_to_know() -> None:
    async def public(zone: object) -> frozenset[str]:
        return frozenset({"ns1.example.org"}) if zone == HERE.name else frozenset()

    provider = Manual({}, {}, Surroundings(public_nameservers=public))

    report = await provider.check([f"*.{ZONE}", "www.example.net"])

    assert [line.ok for line in report.lines] == [True, True, False, None]
    assert f"in zone {ZONE}" in report.lines[1].text
