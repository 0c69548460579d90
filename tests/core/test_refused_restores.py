"""A backup that is no good is told as what it is, and the inventory there stays octet by octet."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import DatabaseError, InvalidInput, KmtuiError, Refused, VaultError
from kmtui.core.restoring import restore
from kmtui.core.sealed_file import SealingKey
from kmtui.core.slots import KEY_FILE, PASSPHRASE, Argon2Cost
from kmtui.core.vault import Vault
from kmtui.db import migrations
from tests.core.deployment import stock

KEY = SealingKey(KEY_FILE, b"k" * 32)
PHRASE = SealingKey(PASSPHRASE, b"the right passphrase")
CHEAP = Argon2Cost(memory_kib=19 * 1024, iterations=2, lanes=1)


class Place:
    """A closed inventory, and its backups: a plain one, and one sealed in each way."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.data = data
        self.plain, self.keyed, self.phrased = (
            folder / name for name in ("plain", "keyed", "phrased")
        )

    def octets(self) -> dict[str, bytes]:
        """Every file of the inventory; locks come and go."""
        found = (path for path in self.data.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.data)): path.read_bytes()
            for path in found
            if path.parent.name != "locks"
        }


@pytest.fixture
async def place(core: Core, tmp_path: Path) -> Place:
    certificate = await stock.certificate(core, "shop.example.org")
    await stock.version(core, certificate)
    place = Place(core.data, tmp_path)
    await core.backups.make(place.plain)
    await core.backups.make(place.keyed, key=KEY)
    await core.backups.make(place.phrased, key=PHRASE, cost=CHEAP)
    # What the backups do not have.
    await stock.certificate(core, "later.example.org")
    await core.close(seconds=5)
    return place


def changed(path: Path, at: float) -> None:
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int((len(content) - 1) * at)] ^= 1
    path.write_bytes(content)


def cut(path: Path, part: float) -> None:
    os.truncate(path, int(path.stat().st_size * part))


def newer(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {migrations.SCHEMA_VERSION + 1}")
    raw.close()


def keyless(path: Path) -> None:
    raw = sqlite3.connect(path)
    for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute("DELETE FROM secret WHERE kind = 'certificate-key'")
    raw.commit()
    raw.close()


def untouched(path: Path) -> None:
    """As it was made."""


CASES: dict[str, tuple[str, Callable[[Path], None], SealingKey | None, type[KmtuiError], str]] = {
    "a wrong passphrase": (
        "phrased",
        untouched,
        SealingKey(PASSPHRASE, b"the right passphrasf"),
        VaultError,
        "passphrase",
    ),
    "a wrong key file": (
        "keyed",
        untouched,
        SealingKey(KEY_FILE, b"x" * 32),
        VaultError,
        "key file",
    ),
    "a key for a passphrase": ("phrased", untouched, KEY, VaultError, "passphrase"),
    "no key at all": ("keyed", untouched, None, InvalidInput, "sealed with a key"),
    "a sealed file cut at its end": ("keyed", lambda p: cut(p, 0.99), KEY, VaultError, "cut off"),
    "a sealed file cut in half": ("keyed", lambda p: cut(p, 0.5), KEY, VaultError, "cut off"),
    "a sealed file cut in its beginning": ("keyed", lambda p: cut(p, 0.001), KEY, VaultError, ""),
    "a sealed file with a turned bit": (
        "keyed",
        lambda p: changed(p, 0.6),
        KEY,
        VaultError,
        "changed",
    ),
    "a plain file cut in half": ("plain", lambda p: cut(p, 0.5), None, DatabaseError, "plain"),
    "a plain file cut to its beginning": ("plain", lambda p: cut(p, 0.01), None, DatabaseError, ""),
    "an empty file": ("plain", lambda p: cut(p, 0), None, InvalidInput, "not a backup"),
    "a newer schema": ("plain", newer, None, DatabaseError, "newer kmtui"),
    "missing keys": ("plain", keyless, None, Refused, "private key of version 1 of shop"),
    "no file": ("plain", Path.unlink, None, InvalidInput, "cannot read"),
}
"""Which backup, what became of it, the key given, the error, and what it says."""


@pytest.mark.parametrize("name", CASES)
def test_the_error_is_plain_and_the_inventory_stays_as_it_is_even_by_force(
    place: Place, tmp_path: Path, name: str
) -> None:
    which, spoil, key, error, said = CASES[name]
    backup = getattr(place, which)
    spoil(backup)
    before = place.octets()

    def unlock(vault: Vault) -> None:
        vault.unlock_with_key_file(tmp_path / "vault.key")

    with pytest.raises(error) as caught:
        restore(place.data, backup, key=key, unlock=unlock, force=True)

    assert said in caught.value.message
    assert caught.value.hint
    assert place.octets() == before


def test_another_vault_key_than_the_backups_changes_nothing(place: Place) -> None:
    before = place.octets()

    with pytest.raises(VaultError):
        restore(
            place.data,
            place.plain,
            unlock=lambda vault: vault.unlock_with_passphrase(b"wrong"),
            force=True,
        )

    assert place.octets() == before
