"""Slot costs: what a passphrase guess costs follows the machine, between floor and ceiling."""

from __future__ import annotations

import pytest

from kmtui.core.slots import CHEAPEST, USUAL, Argon2Cost, calibrate


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.1, 0.15, 0.3, 0.6, 1.0, 2.0, 4.0])
def test_calibrated_opening_takes_a_humane_time(seconds: float) -> None:
    """Given a machine where the usual cost takes `seconds`, opening takes 0.2 to 1.5 s."""
    cost = calibrate(lambda _: seconds)

    expected = seconds * cost.work / USUAL.work
    assert cost.allowed
    assert expected <= 1.5


def test_a_very_slow_machine_gets_the_floor_and_no_less() -> None:
    assert calibrate(lambda _: 60.0) == CHEAPEST


def test_calibration_measures_the_real_derivation_by_default() -> None:
    assert calibrate().allowed


@pytest.mark.parametrize(
    ("cost", "allowed"),
    [
        (CHEAPEST, True),
        (USUAL, True),
        (Argon2Cost(memory_kib=1024 * 1024, iterations=10), True),
        (Argon2Cost(memory_kib=19 * 1024 - 1, iterations=2), False),
        (Argon2Cost(memory_kib=1024 * 1024 + 1, iterations=2), False),
        (Argon2Cost(memory_kib=64 * 1024, iterations=1), False),
        (Argon2Cost(memory_kib=64 * 1024, iterations=11), False),
        (Argon2Cost(memory_kib=64 * 1024, iterations=3, lanes=0), False),
    ],
)
def test_floor_and_ceiling(cost: Argon2Cost, allowed: bool) -> None:
    assert cost.allowed is allowed
