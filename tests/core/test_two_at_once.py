"""What two processes do at the same moment: the second one is told, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.core.archive import KEPT
from kmtui.core.core import Core
from kmtui.core.errors import DatabaseError, Refused
from kmtui.core.events import CertificateChanged, Event
from kmtui.core.locks import FOLDER, RESTORING, FileLock
from kmtui.db import certificates, versions
from kmtui.db.database import Database
from kmtui.db.files import FILE_NAME
from kmtui.model import Certificate, RevocationReason
from tests.core.conftest import Bench
from tests.core.deployment import stock


@pytest.fixture
async def late(tmp_path: Path) -> AsyncIterator[Core]:
    """An inventory whose clock is past the time that deleted certificates are kept."""
    ahead = timedelta(0)

    def clock() -> datetime:
        return datetime.now(UTC) + ahead

    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    for name in ("first", "second", "third"):
        await stock.version(core, await stock.certificate(core, name))
    await core.archive.delete(["first", "second", "third"])
    ahead = KEPT + timedelta(hours=1)
    yield core
    await core.close(seconds=5)


async def test_what_is_brought_back_while_others_are_purged_keeps_its_keys(late: Core) -> None:
    # given: another process brings back two at the first purge, one of them to delete it anew
    other = Database.open(late.data / FILE_NAME)
    rows = [await late.certificates.get(name) for name in ("first", "second", "third")]
    back: list[Certificate] = []

    def bring_back(event: Event) -> None:
        if isinstance(event, CertificateChanged) and not back:
            back.extend(row for row in rows if row.id != event.id)
            now = late.context.clock()
            for row in back:
                other.write_sync(lambda session, row=row: certificates.unarchive(session, row.id))  # type: ignore[misc]
            other.write_sync(lambda session: certificates.archive(session, back[1].id, now))

    late.bus.subscribe(bring_back)

    # when
    purged = await late.archive.purge_due()

    # then
    await other.close()
    assert {row.id for row in purged} == {row.id for row in rows} - {row.id for row in back}
    for row in back:
        version = await late.certificates.version(row.id, 1)
        assert await late.certificates.private_key_pem(version)
        assert (await late.certificates.get(row.id)).purged_at is None


async def test_two_registrations_at_once_make_one_account_where_one_is_allowed(
    bench: Bench,
) -> None:
    url = bench.sandbox.directory_url
    await bench.core.cas.add("one", directory_url=url, single_account=True)

    ended = await asyncio.gather(
        *(bench.core.accounts.register(name, ca="one", agree_tos=True) for name in ("a", "b", "c")),
        return_exceptions=True,
    )

    (made,) = [each for each in ended if not isinstance(each, BaseException)]
    refused = [each for each in ended if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [Refused, Refused]
    assert all("allows one account" in str(each) for each in refused)
    assert [each.name for each in await bench.core.accounts.all() if each.ca == "one"] == [
        made.name
    ]


async def test_a_key_added_twice_at_once_is_one_account(bench: Bench, tmp_path: Path) -> None:
    key = tmp_path / "key"
    await bench.core.accounts.delete("practice", key_out=key)

    ended = await asyncio.gather(
        *(bench.core.accounts.add(name, ca="sandbox", key=key) for name in ("a", "b")),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in ended) == ["Account", "Refused"]
    assert len(await bench.core.accounts.all()) == 1


@pytest.mark.parametrize("act", ["save", "make_current"])
async def test_a_version_revoked_a_moment_before_is_not_put_to_use(
    core: Core, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await stock.certificate(core, "shop")
    first = await stock.version(core, row)
    await stock.version(core, row, saved=act == "make_current")
    number = 1 if act == "make_current" else 2
    wanted = first if number == 1 else await core.certificates.version("shop", 2)
    other = Database.open(core.data / FILE_NAME)
    looked_up = core.certificates.version

    async def and_revoked_then(word: str, number: int) -> object:
        found = await looked_up(word, number)
        reason = RevocationReason.SUPERSEDED
        other.write_sync(
            lambda session: versions.mark_revoked(session, wanted.id, core.context.clock(), reason)
        )
        return found

    monkeypatch.setattr(core.certificates, "version", and_revoked_then)
    with pytest.raises(Refused, match="revoked"):
        await getattr(core.certificates, act)("shop", number)

    await other.close()
    assert (await core.certificates.get("shop")).current_version == (
        2 if act == "make_current" else 1
    )


async def test_while_a_backup_is_put_in_its_place_nobody_begins(core: Core) -> None:
    data = core.data
    await core.close(seconds=5)
    lock = FileLock.take(data / FOLDER / RESTORING)
    assert lock is not None

    with lock, pytest.raises(DatabaseError, match="being restored") as caught:
        await Core.open(data)
    assert caught.value.hint
    assert list((data / FOLDER).glob("*.owner")) == []
    again = await Core.open(data)
    await again.close()
