"""Restoring: the backup is looked through first; what can still be used is not lost by chance."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kmtui.core import keys
from kmtui.core.acme import thumbprint
from kmtui.core.core import Core
from kmtui.core.errors import DatabaseError, InvalidInput, Refused, TamperedSecret, WrongKey
from kmtui.core.restoring import Restoration, restore
from kmtui.core.sealed_file import SealingKey
from kmtui.core.slots import KEY_FILE
from kmtui.core.vault import Vault
from kmtui.db import accounts, migrations, versions
from kmtui.db.files import FILE_NAME
from kmtui.model import ListQuery
from tests.core.deployment import stock
from tests.db import samples

KEY = SealingKey(KEY_FILE, b"k" * 32)


@pytest.fixture
async def shop(core: Core) -> Core:
    """A certificate with two versions, and an account with its key."""
    certificate = await stock.certificate(core, "shop.example.org")
    await stock.version(core, certificate)
    await stock.version(core, certificate)
    key = keys.generate("ec256")
    account = samples.account("main", key_thumbprint=thumbprint(key))

    def store(session: Any) -> None:
        accounts.insert(session, account)
        core.context.secrets.seal(
            session,
            owner_table="account",
            owner_id=account.id,
            kind="account-key",
            value=keys.to_pem(key),
        )

    await core.context.db.write(store)
    return core


@pytest.fixture
async def backup(shop: Core, tmp_path: Path) -> Path:
    return (await shop.backups.make(tmp_path / "copy.db")).path


@pytest.fixture
def vault_key(tmp_path: Path) -> Callable[[Vault], None]:
    return lambda vault: vault.unlock_with_key_file(tmp_path / "vault.key")


async def restored(data: Path, backup: Path, **options: Any) -> Restoration:
    return await asyncio.to_thread(restore, data, backup, **options)


async def names(data: Path) -> list[str]:
    core = await Core.open(data, read_only=True)
    try:
        page = await core.certificates.page(ListQuery(now=core.context.clock(), sort="name"))
        return [row.name for row in page]
    finally:
        await core.close()


def tampered(backup: Path, *statements: str) -> Path:
    """The backup after somebody went around kmtui and its triggers."""
    raw = sqlite3.connect(backup)
    for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()
    return backup


# --- to where there is nothing --------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY])
async def test_a_backup_becomes_an_inventory_that_opens_as_before(
    shop: Core, tmp_path: Path, key: SealingKey | None, vault_key: Callable[[Vault], None]
) -> None:
    made = await shop.backups.make(tmp_path / "copy", key=key)
    data = tmp_path / "elsewhere"

    done = await restored(data, made.path, key=key, unlock=vault_key, actor="mary@here")

    assert (done.restored, done.certificates, done.kept) == (True, 1, None)
    assert done.secrets is not None
    assert (done.secrets.opened, done.secrets.problems) == (3, ())
    core = await Core.open(data)
    await core.access.unlock_with_key_file(tmp_path / "vault.key")
    version = await core.certificates.version("shop.example.org", 2)
    assert await core.certificates.private_key_pem(version)
    (line,) = await core.activity.page(ListQuery(now=core.context.clock(), text="what:restore"))
    assert (line.actor, line.detail) == ("mary@here", f"from {made.path}")
    assert (await core.activity.verify()).intact
    await core.close()
    assert sorted(path.name for path in data.iterdir()) == [FILE_NAME, "locks"]


async def test_a_dry_run_looks_and_leaves_nothing(backup: Path, tmp_path: Path) -> None:
    done = await restored(tmp_path / "elsewhere", backup, dry_run=True)

    assert (done.restored, done.certificates) == (False, 1)
    assert not (tmp_path / "elsewhere" / FILE_NAME).exists()


# --- over an inventory ----------------------------------------------------------------------------


async def test_an_inventory_that_can_be_used_gives_way_by_force_only_and_is_kept(
    shop: Core, backup: Path
) -> None:
    await stock.certificate(shop, "later.example.org")
    await shop.close()

    with pytest.raises(Refused, match="there is an inventory"):
        await restored(shop.data, backup)
    before = await names(shop.data)
    done = await restored(shop.data, backup, force=True)

    assert before == ["later.example.org", "shop.example.org"]
    assert await names(shop.data) == ["shop.example.org"]
    assert done.kept is not None
    assert done.kept.name.startswith("kmtui.db.before-restore-")
    raw = sqlite3.connect(done.kept)
    assert raw.execute("SELECT count(*) FROM certificate").fetchone() == (2,)
    raw.close()


async def test_a_damaged_inventory_gives_way_and_is_kept(shop: Core, backup: Path) -> None:
    await shop.close()
    (shop.data / FILE_NAME).write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)

    done = await restored(shop.data, backup)

    assert done.kept is not None
    assert b"rubbish" in done.kept.read_bytes()
    assert await names(shop.data) == ["shop.example.org"]


async def test_each_inventory_that_gave_way_is_kept_even_within_a_second(
    shop: Core, backup: Path
) -> None:
    await stock.certificate(shop, "later.example.org")
    await shop.close()
    now = shop.context.clock()

    done = [await restored(shop.data, backup, force=True, clock=lambda: now) for _ in range(3)]

    kept = [each.kept for each in done if each.kept is not None]
    assert len(set(kept)) == 3
    counts = []
    for path in kept:
        raw = sqlite3.connect(path)
        counts += raw.execute("SELECT count(*) FROM certificate").fetchone()
        raw.close()
    assert counts == [2, 1, 1]


async def test_what_was_set_aside_in_the_middle_of_a_transaction_comes_back_as_before_it(
    shop: Core, tmp_path: Path
) -> None:
    # given: a database and its journal, as a killed process leaves them
    await shop.close()
    aside = tmp_path / "kmtui.db.before-restore-20261123T120000Z"
    raw = sqlite3.connect(shop.data / FILE_NAME, isolation_level=None)
    raw.executescript("PRAGMA cache_size = 1; PRAGMA cache_spill = ON; BEGIN IMMEDIATE")
    raw.execute("UPDATE certificate SET name = 'half'")
    raw.execute("CREATE TABLE t (x)")
    raw.executemany("INSERT INTO t VALUES (?)", [("x" * 3000,)] * 500)
    shutil.copy(shop.data / FILE_NAME, aside)
    shutil.copy(f"{shop.data / FILE_NAME}-journal", f"{aside}-journal")
    raw.execute("ROLLBACK")
    raw.close()

    await restored(tmp_path / "elsewhere", aside)

    assert await names(tmp_path / "elsewhere") == ["shop.example.org"]


async def test_an_inventory_in_use_is_left_alone_even_by_force(shop: Core, backup: Path) -> None:
    with pytest.raises(Refused, match="is using the inventory"):
        await restored(shop.data, backup, force=True)

    assert [path.name for path in shop.data.iterdir() if "restore" in path.name] == []


# --- what is no good ------------------------------------------------------------------------------


async def test_another_key_a_cut_file_and_a_missing_key_are_told(
    shop: Core, tmp_path: Path
) -> None:
    made = await shop.backups.make(tmp_path / "copy", key=KEY)
    content = made.path.read_bytes()
    (tmp_path / "cut").write_bytes(content[:-100])
    data = tmp_path / "elsewhere"

    with pytest.raises(WrongKey):
        await restored(data, made.path, key=SealingKey(KEY_FILE, b"x" * 32))
    with pytest.raises(InvalidInput, match="sealed with a key of its own") as caught:
        await restored(data, made.path)
    assert caught.value.field == "seal-passphrase-file"
    with pytest.raises(TamperedSecret, match="cut off"):
        await restored(data, tmp_path / "cut", key=KEY)
    assert not (data / FILE_NAME).exists()


@pytest.mark.parametrize("size", [0, 10, 4096, 5000, 40_000])
async def test_a_plain_file_cut_anywhere_is_told(backup: Path, tmp_path: Path, size: int) -> None:
    cut = tmp_path / "cut"
    shutil.copy(backup, cut)
    os.truncate(cut, size)

    with pytest.raises((DatabaseError, InvalidInput)) as caught:
        await restored(tmp_path / "elsewhere", cut)

    assert "cut" in caught.value.message, "it names the backup, not where it was unpacked"


async def test_a_backup_of_a_newer_program_and_other_files_are_told(
    backup: Path, tmp_path: Path
) -> None:
    other, text = tmp_path / "other.db", tmp_path / "text"
    raw = sqlite3.connect(other)
    raw.execute("CREATE TABLE t (x)")
    raw.commit()
    raw.close()
    text.write_text("not a backup at all, but long enough to look like one")
    newer = tampered(backup, f"PRAGMA user_version = {migrations.SCHEMA_VERSION + 1}")

    for path, said in (
        (newer, "newer kmtui"),
        (other, "another program"),
        (text, "not a backup"),
        (tmp_path / "missing", "cannot read"),
    ):
        with pytest.raises((DatabaseError, InvalidInput), match=said):
            await restored(tmp_path / "elsewhere", path)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE secret SET blob = zeroblob(60) WHERE kind = 'certificate-key'", "certificate-key"),
        ("DELETE FROM secret WHERE kind = 'certificate-key'", "private key of version . of shop"),
        ("UPDATE version SET spki_sha256 = 'other'", "does not belong to version"),
        ("UPDATE account SET key_thumbprint = 'other'", "not the one the account main has"),
    ],
)
async def test_secrets_that_do_not_open_or_do_not_fit_stop_it(
    backup: Path,
    tmp_path: Path,
    vault_key: Callable[[Vault], None],
    statement: str,
    said: str,
) -> None:
    tampered(backup, statement)

    with pytest.raises(Refused, match=said):
        await restored(tmp_path / "elsewhere", backup, unlock=vault_key)

    assert not (tmp_path / "elsewhere" / FILE_NAME).exists()


async def test_the_wrong_vault_key_is_told_before_anything_is_put(
    backup: Path, tmp_path: Path
) -> None:
    with pytest.raises(WrongKey):
        await restored(
            tmp_path / "elsewhere",
            backup,
            unlock=lambda vault: vault.unlock_with_passphrase(b"wrong"),
        )

    assert not (tmp_path / "elsewhere" / FILE_NAME).exists()


async def test_keys_destroyed_on_purpose_are_not_missed(
    shop: Core, tmp_path: Path, vault_key: Callable[[Vault], None]
) -> None:
    await shop.archive.delete(["shop.example.org"])
    await shop.archive.purge("shop.example.org")
    made = await shop.backups.make(tmp_path / "copy")

    done = await restored(tmp_path / "elsewhere", made.path, unlock=vault_key)

    assert done.secrets is not None
    assert done.secrets.opened == 1
    assert await shop.context.db.read(versions.without_their_key) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER later AFTER INSERT ON activity BEGIN DELETE FROM secret; END",
        "CREATE VIEW seen AS SELECT * FROM certificate",
        "DROP TRIGGER activity_refuses_update",
        "DROP TRIGGER activity_refuses_delete; CREATE TRIGGER activity_refuses_delete"
        " BEFORE DELETE ON activity BEGIN SELECT 1; END",
    ],
)
async def test_a_backup_that_would_run_what_others_wrote_is_refused(
    backup: Path, tmp_path: Path, vault_key: Callable[[Vault], None], statement: str
) -> None:
    raw = sqlite3.connect(backup)
    raw.executescript(statement)
    raw.close()

    with pytest.raises(Refused, match="changed by another program"):
        await restored(tmp_path / "elsewhere", backup, unlock=vault_key)

    assert not (tmp_path / "elsewhere" / FILE_NAME).exists()
