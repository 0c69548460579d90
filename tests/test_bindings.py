"""The table of keys holds what it promises."""

from __future__ import annotations

import pytest

from kmtui.bindings import EVERYWHERE, KEYS, LIST, LISTED, PAGE, SCREENS, TABLE, bindings, key_table


def keys_of(name: str) -> list[str]:
    return KEYS[name].key.split(",")


def test_every_id_is_there_once() -> None:
    assert len(KEYS) == len(TABLE)


@pytest.mark.parametrize("screen", SCREENS)
def test_no_key_means_two_things_on_one_screen(screen: str) -> None:
    names = dict.fromkeys((*SCREENS[screen], *LIST, *LISTED, *PAGE, *EVERYWHERE))
    keys = [key for name in names for key in keys_of(name)]

    assert sorted({key for key in keys if keys.count(key) > 1}) == []


def test_lower_case_never_destroys() -> None:
    dangerous = [key for key in TABLE if key.danger]

    assert dangerous
    assert all(key.key.isupper() and len(key.key) == 1 for key in dangerous)


def test_no_key_needs_a_chord_that_terminals_cannot_send() -> None:
    chords = [key for name in KEYS for key in keys_of(name) if "+" in key]

    assert all(chord.startswith("ctrl+") and len(chord) == 6 for chord in chords)


def test_words_fit_the_key_line() -> None:
    assert all(len(key.word) <= 13 and key.tooltip for key in TABLE)


def test_bindings_carry_the_ids_of_the_table() -> None:
    made = bindings("renew", "revoke", "dns")

    assert [binding.id for binding in made] == ["renew", "revoke", "dns"]
    assert [binding.action for binding in made] == ["renew", "revoke", "switch_mode('dns')"]


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(KeyError):
        bindings("fly")


def test_the_key_table_lists_every_screen() -> None:
    assert {where for where, *_ in key_table()} >= {"everywhere", "lists", *SCREENS}
