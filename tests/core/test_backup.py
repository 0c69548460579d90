"""Backups: whole, private, sound, and never over another file; taken while others write."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from kmtui.core.backup import FOLDER
from kmtui.core.core import Core
from kmtui.core.errors import DatabaseError, InvalidInput, Refused
from kmtui.core.sealed_file import MAGIC, SealingKey
from kmtui.core.slots import KEY_FILE
from kmtui.db.files import FILE_NAME
from kmtui.model import ListQuery
from tests.core.deployment import stock

KEY = SealingKey(KEY_FILE, b"k" * 32)


@pytest.fixture
async def shop(core: Core) -> Core:
    """A certificate with a version."""
    await stock.version(core, await stock.certificate(core, "shop.example.org"))
    return core


async def trail(core: Core) -> list[tuple[str, str]]:
    """Oldest first."""
    page = await core.activity.page(ListQuery(now=core.context.clock(), text="what:backup"))
    return [(row.outcome, row.detail) for row in reversed(page)]


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith((".", FOLDER))]


async def test_a_backup_is_an_inventory_of_its_own_and_is_private(
    shop: Core, tmp_path: Path
) -> None:
    made = await shop.backups.make(tmp_path / "copy.db")

    assert (made.sealed_by, made.vault, made.certificates) == ("", ("key-file",), 1)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert made.octets == made.path.stat().st_size
    raw = sqlite3.connect(made.path)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert raw.execute("SELECT name FROM certificate").fetchall() == [("shop.example.org",)]
    raw.close()
    assert leftovers(tmp_path) == leftovers(shop.data) == []
    assert [outcome for outcome, _ in await trail(shop)] == ["started", "ok"]


async def test_a_sealed_backup_shows_nothing_of_what_is_in_it(shop: Core, tmp_path: Path) -> None:
    made = await shop.backups.make(tmp_path / "copy.sealed", key=KEY)

    content = made.path.read_bytes()
    assert content.startswith(MAGIC)
    assert made.sealed_by == "key-file"
    assert b"shop.example.org" not in content
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert leftovers(tmp_path) == leftovers(shop.data) == []


@pytest.mark.parametrize("key", [None, KEY])
async def test_what_is_there_already_stays_unless_it_is_to_be_replaced(
    shop: Core, tmp_path: Path, key: SealingKey | None
) -> None:
    there = tmp_path / "there"
    there.write_text("precious")

    with pytest.raises(Refused):
        await shop.backups.make(there, key=key)
    kept = there.read_text()
    made = await shop.backups.make(there, key=key, replace=True)

    assert kept == "precious"
    assert made.octets > 1000
    assert [outcome for outcome, _ in await trail(shop)] == ["started", "failed", "started", "ok"]


async def test_a_link_is_replaced_and_not_followed(shop: Core, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "victim")

    with pytest.raises(Refused):
        await shop.backups.make(tmp_path / "link")
    await shop.backups.make(tmp_path / "link", replace=True)

    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


async def test_a_place_that_cannot_be_written_is_told(shop: Core, tmp_path: Path) -> None:
    with pytest.raises((InvalidInput, DatabaseError)):
        await shop.backups.make(tmp_path / "missing" / "copy.db")
    with pytest.raises(InvalidInput):
        await shop.backups.make(tmp_path / "missing" / "copy.sealed", key=KEY)


async def test_a_damaged_inventory_gives_no_backup(shop: Core, tmp_path: Path) -> None:
    raw = sqlite3.connect(shop.data / FILE_NAME)
    ((page,),) = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'version_by_serial'")
    raw.close()
    with (shop.data / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * 4096 + 8)
        file.write(b"\xff" * 64)

    with pytest.raises(DatabaseError, match=r"damaged|malformed"):
        await shop.backups.make(tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()


async def test_it_needs_no_open_vault_and_goes_on_beside_writers(
    shop: Core, tmp_path: Path
) -> None:
    async def writing() -> None:
        for number in range(40):
            await shop.certificates.set("shop.example.org", name=f"shop-{number}")
            await shop.certificates.set(f"shop-{number}", name="shop.example.org")

    writer = asyncio.create_task(writing())
    made = [await shop.backups.make(tmp_path / f"copy-{number}") for number in range(5)]
    await writer
    shop.access.lock()
    made.append(await shop.backups.make(tmp_path / "locked"))

    for backup in made:
        raw = sqlite3.connect(backup.path)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        raw.close()


async def test_what_a_killed_process_left_beside_the_inventory_is_removed(
    shop: Core, tmp_path: Path
) -> None:
    left = shop.data / f"{FOLDER}1-{'0' * 16}"
    left.mkdir()
    (left / "copy").write_text("half")

    await shop.backups.make(tmp_path / "copy.sealed", key=KEY)

    assert not left.exists()


async def test_a_read_only_inventory_is_backed_up_without_a_line_in_its_trail(
    shop: Core, tmp_path: Path
) -> None:
    data = shop.data
    looking = await Core.open(data, read_only=True)
    made = await looking.backups.make(tmp_path / "copy.sealed", key=KEY)
    await looking.close()

    assert made.certificates == 1
    assert await trail(shop) == []


@pytest.mark.parametrize("key", [None, KEY])
async def test_the_inventory_is_not_replaced_by_its_own_backup(
    shop: Core, tmp_path: Path, key: SealingKey | None
) -> None:
    (tmp_path / "way").symlink_to(shop.data)

    for folder in (shop.data, tmp_path / "way"):
        with pytest.raises(InvalidInput, match="the inventory itself"):
            await shop.backups.make(folder / FILE_NAME, key=key, replace=True)

    assert (await shop.certificates.get("shop.example.org")).current_version == 1
    assert [outcome for outcome, _ in await trail(shop)] == ["started", "failed"] * 2
