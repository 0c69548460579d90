"""The nonce pool."""

from __future__ import annotations

import pytest

from kmtui.core.acme.nonces import CAPACITY, MAX_AGE, NoncePool
from tests.core.acme.fake_ca import Clock


def test_the_youngest_goes_first_and_only_once(clock: Clock) -> None:
    pool = NoncePool(clock)
    for nonce in ("a", "b", "c"):
        pool.add(nonce)
    assert [pool.take(), pool.take(), pool.take(), pool.take()] == ["c", "b", "a", None]


def test_the_oldest_make_room(clock: Clock) -> None:
    pool = NoncePool(clock)
    for number in range(100):
        pool.add(f"n{number}")
    assert len(pool) == CAPACITY
    assert pool.take() == "n99"


def test_old_nonces_are_dropped(clock: Clock) -> None:
    pool = NoncePool(clock)
    pool.add("old")
    clock.now += MAX_AGE - 1
    pool.add("young")
    clock.now += 2
    assert pool.take() == "young"
    assert pool.take() is None
    assert len(pool) == 0


@pytest.mark.parametrize("nonce", [None, "", "a b", "a=", "a+b", "ünïcode", "a\n", "x" * 600])
def test_what_is_no_nonce_is_ignored(clock: Clock, nonce: str | None) -> None:
    pool = NoncePool(clock)
    pool.add(nonce)
    assert len(pool) == 0


def test_flushing_forgets_all(clock: Clock) -> None:
    pool = NoncePool(clock)
    pool.add("a")
    pool.flush()
    assert pool.take() is None
