"""What is kept at hand for many requests at once is let go when it changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlmodel import Session

from kmtui.core.core import Core
from kmtui.core.errors import NotFound, VaultLocked
from kmtui.core.events import AccountChanged, MappingChanged
from kmtui.core.recent import SECONDS, Recent
from tests.core.conftest import Bench


class Shelf:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.rows: list[str] = ["first"]
        self.reads = 0
        self.read_once = threading.Event()

    def read(self, session: Session) -> Sequence[str]:
        self.reads += 1
        self.read_once.set()
        return tuple(self.rows)


async def test_many_who_ask_within_a_second_share_one_reading(core: Core) -> None:
    now, shelf = 0.0, Shelf()
    recent = Recent(core.context, shelf.read, MappingChanged, clock=lambda: now)

    now = 10.0
    await recent.all()
    now += SECONDS * 0.9
    assert await recent.all() == ("first",)
    assert shelf.reads == 1

    now += SECONDS * 0.1
    shelf.rows.append("from another process")
    assert await recent.all() == ("first", "from another process")


async def test_a_change_in_this_process_is_seen_at_once(core: Core) -> None:
    shelf = Shelf()
    recent = Recent(core.context, shelf.read, MappingChanged, clock=lambda: 10.0)
    await recent.all()

    shelf.rows.append("second")
    core.bus.publish(AccountChanged("not of these"))
    assert await recent.all() == ("first",)
    core.bus.publish(MappingChanged("one of these"))

    assert await recent.all() == ("first", "second")


async def test_what_was_read_before_a_change_is_not_kept_after_it(core: Core) -> None:
    shelf = Shelf()
    recent = Recent(core.context, shelf.read, MappingChanged, clock=lambda: 10.0)

    reading = asyncio.create_task(recent.all())
    await asyncio.to_thread(shelf.read_once.wait, 10)
    shelf.rows.append("second")
    core.bus.publish(MappingChanged("while it was read"))
    await reading

    assert await recent.all() == ("first", "second")


async def test_a_ca_and_an_account_are_known_as_soon_as_they_are_added(bench: Bench) -> None:
    core = bench.core
    with pytest.raises(NotFound):
        await core.cas.recent("second")
    await core.cas.add("second", directory_url=bench.sandbox.directory_url)
    assert (await core.cas.recent("second")).directory_url == bench.sandbox.directory_url

    with pytest.raises(NotFound):
        await core.accounts.recent("other")
    await core.accounts.register("other", ca="second", email="ops@kmtui.test", agree_tos=True)
    assert (await core.accounts.recent("other")).status == "valid"


async def test_a_mapping_counts_from_the_moment_it_is_added_to_its_removal(bench: Bench) -> None:
    mappings = bench.core.mappings
    assert len(await mappings.recent.all()) == 2

    added = await mappings.add("api.kmtui.test", dns="lab")
    assert added.id in {mapping.id for mapping in await mappings.recent.all()}
    await mappings.delete("api.kmtui.test")

    assert added.id not in {mapping.id for mapping in await mappings.recent.all()}


async def test_keys_at_hand_are_forgotten_when_the_vault_is_locked(bench: Bench) -> None:
    core = bench.core
    account = await core.accounts.get("practice")
    signer = await core.accounts.signer(account)
    assert await core.accounts.signer(account) is signer

    core.access.lock()

    with pytest.raises(VaultLocked):
        await core.accounts.signer(account)


async def test_an_opened_dns_account_serves_until_it_changes_or_the_vault_is_locked(
    bench: Bench,
) -> None:
    core = bench.core
    account = await core.dns_accounts.get("lab")
    opened = await core.dns_accounts.open(account)
    assert await core.dns_accounts.open(account) is opened

    await core.dns_accounts.test("lab")
    again = await core.dns_accounts.open(account)
    assert again is not opened
    core.access.lock()

    with pytest.raises(VaultLocked):
        await core.dns_accounts.open(account)
