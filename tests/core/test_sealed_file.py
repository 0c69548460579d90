"""A file sealed as a whole: it comes back as it was, or says that it was cut or changed."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmtui.core.errors import InvalidInput, TamperedSecret, VaultError, WrongKey
from kmtui.core.keyfiles import create_key_file
from kmtui.core.sealed_file import MAGIC, PIECE, SealingKey, seal, unseal
from kmtui.core.slots import CHEAPEST, KEY_FILE

KEY = SealingKey(KEY_FILE, b"k" * 32)
AT = datetime(2026, 10, 1, tzinfo=UTC)


@cache
def sealed(octets: int, key: SealingKey = KEY) -> bytes:
    target = io.BytesIO()
    seal(io.BytesIO(content(octets)), target, key, at=AT, cost=CHEAPEST)
    return target.getvalue()


def content(octets: int) -> bytes:
    return (bytes(range(256)) * (octets // 256 + 1))[:octets]


def opened(octets: bytes, key: SealingKey = KEY) -> bytes:
    target = io.BytesIO()
    unseal(io.BytesIO(octets), target, key)
    return target.getvalue()


@pytest.mark.parametrize("octets", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_what_was_sealed_comes_back(octets: int) -> None:
    whole = sealed(octets)

    assert opened(whole) == content(octets)
    assert content(64) not in whole


def test_a_passphrase_seals_as_well_and_none_is_in_the_file() -> None:
    key = SealingKey.of_passphrase(b"correct horse")

    assert opened(sealed(10, key), key) == content(10)
    assert b"correct horse" not in sealed(10, key)
    assert "correct horse" not in repr(key)
    with pytest.raises(InvalidInput):
        SealingKey.of_passphrase(b"")


def test_another_key_or_another_kind_of_key_does_not_open_it() -> None:
    with pytest.raises(WrongKey, match="does not open with this key file"):
        opened(sealed(10), SealingKey(KEY_FILE, b"x" * 32))
    with pytest.raises(WrongKey, match="is sealed with a key file"):
        opened(sealed(10), SealingKey.of_passphrase(b"k"))


@pytest.mark.parametrize("octets", [0, 100, PIECE, 2 * PIECE + 5])
def test_a_file_cut_anywhere_does_not_open(octets: int) -> None:
    whole = sealed(octets)
    header = whole.index(b"\n", len(MAGIC)) + 1
    places = {header, header + PIECE + 16, header + 2 * (PIECE + 16), len(whole) - 1, header // 2}

    for place in sorted(place for place in places if place < len(whole)):
        with pytest.raises(TamperedSecret):
            opened(whole[:place])
    with pytest.raises(TamperedSecret):
        opened(whole + b"\0")


def test_pieces_that_changed_places_do_not_open() -> None:
    whole, size = sealed(3 * PIECE), PIECE + 16
    header = whole.index(b"\n", len(MAGIC)) + 1
    first, second = whole[header : header + size], whole[header + size : header + 2 * size]

    with pytest.raises(TamperedSecret):
        opened(whole[:header] + second + first + whole[header + 2 * size :])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_changed_bit_anywhere_is_seen(data: st.DataObject) -> None:
    whole = bytearray(sealed(300))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises((TamperedSecret, WrongKey)):
        opened(bytes(whole))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_what_is_no_such_file_is_told_and_nothing_else_happens(octets: bytes) -> None:
    for candidate in (octets, MAGIC + octets, MAGIC + octets + b"\n"):
        with pytest.raises((TamperedSecret, WrongKey)):
            opened(candidate)


@pytest.mark.parametrize(
    "parameters", [{"salt": "00" * 16, "memory_kib": 1 << 40, "iterations": 3, "lanes": 4}, {}]
)
def test_a_doctored_beginning_costs_no_work(parameters: dict[str, object]) -> None:
    header = {
        "file": "f",
        "created_at": AT.isoformat(),
        "kind": "passphrase",
        "parameters": parameters,
        "wrapped": "00" * 60,
    }

    with pytest.raises(TamperedSecret, match="beginning"):
        opened(MAGIC + json.dumps(header).encode() + b"\n", SealingKey.of_passphrase(b"p"))


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    create_key_file(path)
    assert SealingKey.of_key_file(path).kind == KEY_FILE
    path.chmod(0o644)

    with pytest.raises(VaultError):
        SealingKey.of_key_file(path)
