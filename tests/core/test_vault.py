"""The vault: what it seals opens only in its place, and its slots cannot be changed unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kmtui.core.errors import (
    InvalidInput,
    NotFound,
    Refused,
    TamperedSecret,
    VaultError,
    VaultLocked,
    WrongKey,
)
from kmtui.core.keyfiles import create_key_file
from kmtui.core.slots import CHEAPEST, MAX_SLOTS
from kmtui.core.vault import Vault
from tests.core.memory_slots import MemorySlots

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PLACE = {
    "table": "secret",
    "column": "blob",
    "row_id": "5b9a7b52-8f4e-4a53-bb4a-2f8f5a5c0001",
    "kind": "account-key",
}


def counted() -> Callable[[int], bytes]:
    """Random octets that are the same in every run."""
    calls = 0

    def octets(length: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(f"octets {calls}".encode()).digest(length)

    return octets


@pytest.fixture
def store() -> MemorySlots:
    return MemorySlots()


@pytest.fixture
def vault(store: MemorySlots) -> Vault:
    """Set up with a passphrase at the lowest allowed cost, and unlocked."""
    vault = Vault(store, clock=lambda: NOW)
    vault.init_with_passphrase(b"correct horse", cost=CHEAPEST)
    return vault


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "kmtui.key"
    create_key_file(path)
    return path


def test_a_sealed_value_opens_in_its_place(vault: Vault) -> None:
    blob = vault.seal(b"private", **PLACE)

    assert vault.open(blob, **PLACE) == b"private"
    assert b"private" not in blob


def test_an_empty_value_can_be_sealed(vault: Vault) -> None:
    assert vault.open(vault.seal(b"", **PLACE), **PLACE) == b""


def test_the_same_value_never_seals_to_the_same_octets(vault: Vault) -> None:
    assert vault.seal(b"private", **PLACE) != vault.seal(b"private", **PLACE)


@pytest.mark.parametrize("part", [*PLACE, "context"])
def test_a_value_moved_to_another_place_does_not_open(vault: Vault, part: str) -> None:
    blob = vault.seal(b"private", **PLACE)
    elsewhere = {**PLACE, part: b"other" if part == "context" else "other"}

    with pytest.raises(TamperedSecret):
        vault.open(blob, **elsewhere)  # type: ignore[arg-type]


def test_places_that_read_alike_when_joined_are_different(vault: Vault) -> None:
    blob = vault.seal(b"private", table="secret", column="a", row_id="1", kind="key")

    with pytest.raises(TamperedSecret):
        vault.open(blob, table="secre", column="ta", row_id="1", kind="key")


def test_every_changed_octet_of_a_sealed_value_is_noticed(vault: Vault) -> None:
    blob = vault.seal(b"private", **PLACE)

    for position in range(len(blob)):
        changed = blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1 :]
        with pytest.raises(TamperedSecret):
            vault.open(changed, **PLACE)


def test_every_shortened_value_is_noticed(vault: Vault) -> None:
    blob = vault.seal(b"private", **PLACE)

    for length in range(len(blob)):
        with pytest.raises(TamperedSecret):
            vault.open(blob[:length], **PLACE)


def test_another_databases_value_does_not_open(vault: Vault) -> None:
    other = Vault(MemorySlots())
    other.init_with_passphrase(b"correct horse", cost=CHEAPEST)

    with pytest.raises(TamperedSecret, match="another vault"):
        vault.open(other.seal(b"private", **PLACE), **PLACE)


def test_sealed_form_is_frozen() -> None:
    """Known answer: values sealed by this version must open in every later one."""
    vault = Vault(MemorySlots(), clock=lambda: NOW, random=counted())
    vault.init_with_passphrase(b"correct horse", cost=CHEAPEST)

    assert vault.seal(b"private", **PLACE, context=b"spki").hex() == SEALED
    assert vault.mac("row", b"message").hex() == MAC


def test_slot_form_is_frozen() -> None:
    """Known answer: slots written by this version must open in every later one."""
    store = MemorySlots()
    Vault(store, clock=lambda: NOW, random=counted()).init_with_passphrase(
        b"correct horse", cost=CHEAPEST
    )

    (slot,) = store.header.slots
    assert slot.wrapped.hex() == WRAPPED
    assert store.header.mac.hex() == HEADER_MAC


def test_a_macs_purpose_matters(vault: Vault) -> None:
    assert vault.mac("row", b"x") != vault.mac("audit", b"x")


def test_a_new_vault_is_unlocked_and_locks(vault: Vault) -> None:
    assert not vault.is_locked
    blob = vault.seal(b"private", **PLACE)

    vault.lock()

    assert vault.is_locked
    for needs_key in (
        lambda: vault.open(blob, **PLACE),
        lambda: vault.seal(b"private", **PLACE),
        lambda: vault.mac("row", b""),
        lambda: vault.add_passphrase(b"new", cost=CHEAPEST),
        lambda: vault.remove_slot(1),
    ):
        with pytest.raises(VaultLocked):
            needs_key()


def test_the_right_passphrase_unlocks(vault: Vault, store: MemorySlots) -> None:
    blob = vault.seal(b"private", **PLACE)
    later = Vault(store)

    later.unlock_with_passphrase(b"correct horse")

    assert later.open(blob, **PLACE) == b"private"


def test_a_wrong_passphrase_leaves_it_locked(vault: Vault) -> None:
    vault.lock()

    with pytest.raises(WrongKey, match="wrong passphrase"):
        vault.unlock_with_passphrase(b"correct horsf")

    assert vault.is_locked


def test_a_vault_that_was_never_set_up_says_so() -> None:
    vault = Vault(MemorySlots())

    assert not vault.exists
    with pytest.raises(VaultError, match="not set up"):
        vault.unlock_with_passphrase(b"correct horse")


def test_setting_up_twice_is_refused(vault: Vault, key_file: Path) -> None:
    with pytest.raises(Refused):
        vault.init_with_passphrase(b"again", cost=CHEAPEST)
    with pytest.raises(Refused):
        vault.init_with_key_file(key_file)


def test_an_empty_passphrase_is_refused(vault: Vault) -> None:
    with pytest.raises(InvalidInput) as caught:
        vault.add_passphrase(b"")
    assert caught.value.field == "passphrase"


def test_a_key_file_alone_can_open_a_vault(key_file: Path) -> None:
    store = MemorySlots()
    vault = Vault(store)
    vault.init_with_key_file(key_file)
    blob = vault.seal(b"private", **PLACE)

    later = Vault(store)
    later.unlock_with_key_file(key_file)

    assert later.open(blob, **PLACE) == b"private"
    with pytest.raises(WrongKey, match="does not open with a passphrase"):
        later.unlock_with_passphrase(b"correct horse")


def test_an_added_key_file_opens_what_the_passphrase_sealed(vault: Vault, key_file: Path) -> None:
    blob = vault.seal(b"private", **PLACE)

    slot_id = vault.add_key_file(key_file)
    vault.lock()
    vault.unlock_with_key_file(key_file)

    assert vault.open(blob, **PLACE) == b"private"
    assert [(slot.id, slot.kind) for slot in vault.slots()] == [
        (1, "passphrase"),
        (slot_id, "key-file"),
    ]


def test_another_key_file_does_not_open_it(vault: Vault, key_file: Path, tmp_path: Path) -> None:
    vault.add_key_file(key_file)
    create_key_file(tmp_path / "other.key")

    with pytest.raises(WrongKey, match="wrong key file"):
        vault.unlock_with_key_file(tmp_path / "other.key")


def test_changing_the_passphrase_keeps_values_and_drops_the_old_one(vault: Vault) -> None:
    blob = vault.seal(b"private", **PLACE)
    vault.lock()

    vault.change_passphrase(b"correct horse", b"battery staple", cost=CHEAPEST)

    assert vault.is_locked
    with pytest.raises(WrongKey):
        vault.unlock_with_passphrase(b"correct horse")
    vault.unlock_with_passphrase(b"battery staple")
    assert vault.open(blob, **PLACE) == b"private"
    assert len(vault.slots()) == 1


def test_what_a_passphrase_costs_is_measured_unless_told() -> None:
    vault = Vault(MemorySlots())

    vault.init_with_passphrase(b"correct horse")

    (slot,) = vault.slots()
    assert slot.parameters["memory_kib"] * slot.parameters["iterations"] >= CHEAPEST.work


def test_changing_needs_the_old_passphrase(vault: Vault, store: MemorySlots) -> None:
    before = store.header

    with pytest.raises(WrongKey):
        vault.change_passphrase(b"guess", b"battery staple", cost=CHEAPEST)

    assert store.header == before


def test_a_change_made_elsewhere_in_between_is_not_overwritten(store: MemorySlots) -> None:
    class Racing(MemorySlots):
        def load(self) -> object:  # type: ignore[override]
            header = self.header
            if self.racing:
                self.header = replace(header, mac=b"of somebody else")
            return header

        racing = False

    store = Racing()
    vault = Vault(store)  # type: ignore[arg-type]
    vault.init_with_passphrase(b"correct horse", cost=CHEAPEST)
    store.racing = True

    with pytest.raises(Refused, match="in between"):
        vault.add_passphrase(b"battery staple", cost=CHEAPEST)


def test_a_slot_can_be_removed_but_never_the_last(vault: Vault, key_file: Path) -> None:
    added = vault.add_key_file(key_file)

    vault.remove_slot(1)

    assert [slot.id for slot in vault.slots()] == [added]
    with pytest.raises(NotFound):
        vault.remove_slot(1)
    with pytest.raises(Refused, match="only way"):
        vault.remove_slot(added)


def test_slots_have_an_upper_number(vault: Vault, key_file: Path) -> None:
    for _ in range(MAX_SLOTS - 1):
        vault.add_key_file(key_file)

    with pytest.raises(Refused, match="remove one first"):
        vault.add_key_file(key_file)


def test_slots_tell_when_they_were_made_and_no_key_material(vault: Vault) -> None:
    (slot,) = vault.slots()

    assert slot.created_at == NOW
    assert set(slot.parameters) == {"salt", "memory_kib", "iterations", "lanes"}


def test_the_data_key_shows_in_no_representation(vault: Vault) -> None:
    assert repr(vault) == "<Vault unlocked>"
    opened = vault._opened
    assert opened is not None
    assert repr(opened).startswith("<DataKey ")
    assert opened.octets.hex() not in repr(opened)
    assert repr(opened.octets) not in repr(opened)


# Worked out with HMAC, AES-GCM and Argon2id alone, apart from the code under test.
SEALED = "01f9c3a1482eab70dc6d571fd02f0fa495d98de5752cda0a83905bc03e2e873decad34cceb5fc791"
MAC = "2b82dcbebd637a89cc0fab39e3c1a6348a404823f56df003cdccc1c2aa3d468e"
WRAPPED = (
    "4892af8b61103be514b4e840f0f720a366dd11531389f2d30a78bef69ae3d0afcb91fc4a71a6b1f0"
    "9f3a540673efefd2854911fe19c0bc082ed85f2f"
)
HEADER_MAC = "c4eeaf67bd6ad833750d2ce666286fafbe49c92054150606e356429f84811b93"
