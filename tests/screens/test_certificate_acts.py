"""Revoking, deleting, bringing back and saving from the screens, by keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import AcmeError
from kmtui.core.revocation import Revocation
from kmtui.db import targets, versions
from kmtui.model import (
    Certificate,
    ListQuery,
    Problem,
    RequestSpec,
    RevocationReason,
    TargetState,
)
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued
from tests.db.samples import Filled
from tests.screens.shop import SIZES, add, flat, shop
from tests.screens.workbench import NARROW, WIDE, opened, press, press_all, shows, until
from tests.terminal import line_with, raw_text, screen_text

__all__ = ["shop"]

NAME = "www.kmtui.test"
HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/] \u202e\x9b2J \u200b [b"
FORBIDDEN = {"\x1b", "\x07", "\u202e", "\x9b", "\u200b"}


def reason_at_ca(bench: Bench, serial: str) -> int | None:
    return bench.sandbox._state.issued[serial].revocation_reason


# --- revoking -------------------------------------------------------------------------------------


@SIZES
async def test_revoking_needs_the_name_and_tells_what_it_means(
    bench: Bench, size: tuple[int, int]
) -> None:
    core = bench.core
    await issued(bench)
    version = await core.certificates.version(NAME, 1)
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, NAME)

        # when
        await press(pilot, "X")

        # then: object, version, where it is, consequence, undo; enter is dead
        text = flat(await shows(pilot, f"REVOKE {NAME} v1"))
        assert f"until {version.not_after:%Y-%m-%d}" in text
        assert "the version in use" in text
        assert "none has it, as far as kmtui knows" in text
        assert "There is no undo: the CA publishes the revocation." in text
        assert "superseded: another version took its place" in text
        assert "off until it matches" in await press(pilot, "enter")
        assert reason_at_ca(bench, version.serial) is None

        # when: the name is typed
        await press_all(pilot, NAME)
        await press(pilot, "enter")

        # then
        await shows(pilot, f"{NAME} v1 revoked: superseded, signed by account practice")
        await shows(pilot, "# www.kmtui.test")
    assert reason_at_ca(bench, version.serial) == 4


async def test_esc_keeps_it(bench: Bench) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, NAME)
        await press(pilot, "X")
        await shows(pilot, "REVOKE")
        await press_all(pilot, NAME)
        await press(pilot, "escape")
        await shows(pilot, "1 certificate")
    assert (await bench.core.certificates.version(NAME, 1)).revoked_at is None
