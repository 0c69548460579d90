"""Slots changed from outside: noticed or refused, before any work is done on doctored numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kmtui.core.errors import KmtuiError, TamperedSecret, WrongKey
from kmtui.core.keyfiles import create_key_file
from kmtui.core.slots import CHEAPEST, MAX_SLOTS, Header
from kmtui.core.vault import Vault
from tests.core.memory_slots import MemorySlots


@pytest.fixture
def store() -> MemorySlots:
    return MemorySlots()


@pytest.fixture
def vault(store: MemorySlots) -> Vault:
    vault = Vault(store)
    vault.init_with_passphrase(b"correct horse", cost=CHEAPEST)
    return vault


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "kmtui.key"
    create_key_file(path)
    return path


def test_every_changed_octet_of_a_wrapped_key_is_noticed(
    vault: Vault, store: MemorySlots, key_file: Path
) -> None:
    vault.add_key_file(key_file)
    honest = store.header
    passphrase_slot, file_slot = honest.slots

    for position in range(len(file_slot.wrapped)):
        wrapped = bytearray(file_slot.wrapped)
        wrapped[position] ^= 1
        changed = replace(file_slot, wrapped=bytes(wrapped))
        store.header = replace(honest, slots=(passphrase_slot, changed))
        with pytest.raises((WrongKey, TamperedSecret)):
            Vault(store).unlock_with_key_file(key_file)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda header: replace(header, slots=header.slots[:1]),
        lambda header: replace(header, slots=(header.slots[0], *header.slots)),
        lambda header: replace(
            header, slots=(header.slots[0], replace(header.slots[1], kind="passphrase"))
        ),
        lambda header: replace(header, slots=(header.slots[0], replace(header.slots[1], id=9))),
        lambda header: replace(header, database_id="another"),
        lambda header: replace(header, mac=bytes(32)),
        lambda header: replace(header, mac=b""),
    ],
    ids=["removed", "doubled", "kind", "id", "database", "mac", "no mac"],
)
def test_changes_to_the_slots_from_outside_are_noticed(
    vault: Vault, store: MemorySlots, key_file: Path, tamper: Callable[[Header], Header]
) -> None:
    vault.add_key_file(key_file)
    store.header = tamper(store.header)

    with pytest.raises((TamperedSecret, WrongKey)):
        Vault(store).unlock_with_passphrase(b"correct horse")
    with pytest.raises(TamperedSecret):
        vault.add_key_file(key_file)


def test_a_slot_planted_under_another_key_does_not_open_the_vault(
    vault: Vault, store: MemorySlots
) -> None:
    """A database writer wraps a key of their own under a passphrase they know."""
    theirs = MemorySlots()
    Vault(theirs).init_with_passphrase(b"planted", cost=CHEAPEST)
    store.header = replace(
        store.header, slots=(*store.header.slots, replace(theirs.header.slots[0], id=2))
    )

    with pytest.raises(TamperedSecret):
        Vault(store).unlock_with_passphrase(b"planted")


@pytest.mark.parametrize(
    "parameters",
    [
        {"memory_kib": 64 * 1024 * 1024},
        {"memory_kib": 8},
        {"iterations": 1},
        {"iterations": 1_000_000},
        {"lanes": 0},
        {"lanes": 1024},
        {"iterations": "3"},
        {"iterations": True},
        {"salt": "00"},
        {"salt": "no hex"},
        {"salt": None},
    ],
    ids=str,
)
def test_doctored_derivation_parameters_are_refused_before_any_work(
    vault: Vault, store: MemorySlots, parameters: dict[str, object]
) -> None:
    (slot,) = store.header.slots
    doctored = replace(slot, parameters={**slot.parameters, **parameters})
    store.header = replace(store.header, slots=(doctored,))

    with pytest.raises(TamperedSecret, match="never writes"):
        Vault(store).unlock_with_passphrase(b"correct horse")


def test_more_slots_than_ever_written_are_refused(vault: Vault, store: MemorySlots) -> None:
    (slot,) = store.header.slots
    store.header = replace(
        store.header, slots=tuple(replace(slot, id=id) for id in range(MAX_SLOTS + 1))
    )

    with pytest.raises(KmtuiError, match="more slots"):
        Vault(store).unlock_with_passphrase(b"wrong")
