"""Sealed values, the vault's header and settings."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from kmtui.core.errors import Refused
from kmtui.db import secrets, settings, vault
from kmtui.db.database import Database
from tests.db.samples import NOW, new_id

OWNED = {"owner_table": "account", "owner_id": "one", "kind": "key"}


def slot(number: int) -> vault.StoredSlot:
    return vault.StoredSlot(
        id=number,
        kind="passphrase",
        parameters={"salt": "00ff", "memory_kib": 65536},
        wrapped=bytes([number]) * 60,
        created_at=NOW,
    )


def test_a_secret_is_found_by_its_owner_and_kind(db: Database) -> None:
    secret_id = new_id()
    db.write_sync(lambda session: secrets.put(session, id=secret_id, blob=b"sealed", **OWNED))

    found = db.read_sync(lambda session: secrets.find(session, **OWNED))

    assert found == secrets.SealedSecret(secret_id, b"sealed")
    assert "sealed" not in repr(found).lower().replace("sealedsecret", "")
    assert db.read_sync(lambda session: secrets.get(session, secret_id)) == b"sealed"
    assert db.read_sync(lambda s: secrets.find(s, "account", "one", "other")) is None
    assert db.read_sync(lambda session: secrets.get(session, "unknown")) is None


def test_a_secret_is_overwritten_only_on_purpose(db: Database) -> None:
    db.write_sync(lambda session: secrets.put(session, id=new_id(), blob=b"first", **OWNED))

    with pytest.raises(Refused, match="stored already"):
        db.write_sync(lambda session: secrets.put(session, id=new_id(), blob=b"second", **OWNED))
    db.write_sync(lambda session: secrets.replace(session, id=new_id(), blob=b"third", **OWNED))

    found = db.read_sync(lambda session: secrets.find(session, **OWNED))
    assert found is not None
    assert found.blob == b"third"


def test_a_destroyed_secret_leaves_no_bytes_in_the_file(db: Database, path: Path) -> None:
    marker = uuid.uuid4().bytes * 8
    db.write_sync(lambda session: secrets.put(session, id=new_id(), blob=marker, **OWNED))
    assert marker in path.read_bytes()

    db.write_sync(lambda session: secrets.delete_for(session, "account", "one"))
    db.close_sync()

    assert [file.name for file in path.parent.iterdir() if marker in file.read_bytes()] == []


def test_the_vault_header_is_replaced_as_a_whole(db: Database) -> None:
    empty = db.read_sync(vault.header)
    assert (empty.slots, empty.mac) == ((), b"")
    assert uuid.UUID(empty.database_id)

    db.write_sync(lambda s: vault.replace(s, [slot(1), slot(2)], b"mac-1", replacing=b""))
    db.write_sync(lambda s: vault.replace(s, [slot(2), slot(3)], b"mac-2", replacing=b"mac-1"))

    stored = db.read_sync(vault.header)
    assert stored.slots == (slot(2), slot(3))
    assert (stored.mac, stored.database_id) == (b"mac-2", empty.database_id)


def test_slots_that_others_changed_are_not_overwritten(db: Database) -> None:
    db.write_sync(lambda s: vault.replace(s, [slot(1)], b"theirs", replacing=b""))

    with pytest.raises(Refused, match="another process"):
        db.write_sync(lambda s: vault.replace(s, [slot(2)], b"ours", replacing=b""))

    assert db.read_sync(vault.header).slots == (slot(1),)


def test_each_inventory_has_an_id_of_its_own(db: Database, tmp_path: Path) -> None:
    other = Database.open(tmp_path / "other" / "kmtui.db")

    assert db.read_sync(settings.inventory_id) != other.read_sync(settings.inventory_id)
    other.close_sync()


def test_a_setting_is_set_and_set_again(db: Database) -> None:
    assert db.read_sync(lambda session: settings.get(session, "theme")) is None

    for value in ("dark", "light"):
        db.write_sync(lambda session, v=value: settings.put(session, "theme", v))

    assert db.read_sync(lambda session: settings.get(session, "theme")) == "light"
    assert db.read_sync(settings.list_all)["theme"] == "light"
