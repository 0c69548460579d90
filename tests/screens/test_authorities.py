"""CAs on the screen: which answer, which ended their service, one added, asked and removed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import KmtuiError
from tests.core.conftest import Bench
from tests.screens.shop import SIZES, flat
from tests.screens.workbench import NARROW, WIDE, opened, press, press_all, shows
from tests.terminal import line_with

NOWHERE = "https://127.0.0.1:1/directory"
HOSTILE = "x [/foo] [@click=app.quit]y\x1b]52;c;aGk=\x07\u202e"


async def silence(core: Core, ca: str) -> None:
    """Let a CA have failed, and nothing else, for three days."""
    contacts = core.cas.contacts
    contacts.heard(ca, KmtuiError("no connection"))
    first = contacts._heard[ca]
    assert first.failed_at is not None
    object.__setattr__(first, "failing_since", first.failed_at - timedelta(days=3))
    await contacts.store()


@SIZES
async def test_the_list_says_what_each_ca_is_and_whether_it_answers(
    bench: Bench, size: tuple[int, int]
) -> None:
    await bench.core.cas.add("house", directory_url=NOWHERE)
    await silence(bench.core, "house")
    async with opened(bench.core, "accounts", size) as pilot:
        await shows(pilot, "practice")

        await press(pilot, "I")

        await shows(pilot, "1 silent   2 retired")
        assert line_with(pilot.app, "x house").split()[2:4] == ["silent", "live"]
        assert line_with(pilot.app, "+ sandbox").split()[2] == "ok"
        assert "100 names, 90 d" in line_with(pilot.app, "letsencrypt-staging never")
        assert line_with(pilot.app, "- buypass-test").split()[2:4] == ["retired", "test"]


async def test_accounts_say_when_their_ca_is_silent_and_the_sheet_says_what_to_do(
    bench: Bench,
) -> None:
    await silence(bench.core, "sandbox")
    async with opened(bench.core, "accounts") as pilot:
        await shows(pilot, "sandbox (silent)")

        await press(pilot, "I", *"jk", "enter")

        text = flat(await shows(pilot, "silent since"))
        assert "no connection If it is gone for good, M moves its certificates" in text
        assert "practice valid, 0 certificates" in text


async def test_a_retired_ca_shows_its_dates_and_the_way_off(core: Core) -> None:
    async with opened(core, "certificates") as pilot:
        await press(pilot, "I", "slash", *"buypass", "enter")
        await shows(pilot, "/buypass")
        await press(pilot, "enter")

        text = flat(await shows(pilot, "CAs > Buypass Go SSL"))
        assert "registering and issuing are refused" in text
        assert "no orders since 2025-10-15" in text
        assert "M on Certificates moves what it issued to another CA" in text

        await press(pilot, "t")
        await shows(pilot, "the test failed")


@SIZES
async def test_a_ca_is_added_asked_and_removed_by_keys(bench: Bench, size: tuple[int, int]) -> None:
    async with opened(bench.core, "accounts", size) as pilot:
        await press(pilot, "I", "n")
        await press_all(pilot, "house")
        await pilot.press("tab", *"ftp:", "ctrl+s")
        # then: bad input is told at its field, and kept
        text = await shows(pilot, "https")
        assert "house" in text
        assert "ftp:" in text
        assert "house" not in {ca.name for ca in await bench.core.cas.all()}

        await pilot.press(*["backspace"] * 4)
        await press_all(pilot, bench.sandbox.directory_url)
        await pilot.press("tab", "tab", "tab", *"15", "tab", *"180", "tab", "space", "ctrl+s")
        await shows(pilot, "house added: t asks it")
        added = await bench.core.cas.get("house")
        assert (added.max_names, added.lifetime_days, added.single_account) == (15, 180, True)
        assert "15 names, 180 d" in line_with(pilot.app, ". house")

        await press(pilot, "t")
        await shows(pilot, "+ directory answered")
        await press(pilot, "escape")
        await shows(pilot, "+ house")

        await press(pilot, "D")
        await shows(pilot, "DELETE house")
        await press(pilot, "n")
        assert await bench.core.cas.get("house")
        await press(pilot, "D", "y")
        await shows(pilot, "house deleted")
        assert "house" not in {ca.name for ca in await bench.core.cas.all()}


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        (2, "/no/such/file", "cannot read /no/such/file"),
        (4, "none", "a number from 1 on"),
        (5, "0", "a number from 1 on"),
    ],
)
async def test_a_bad_field_says_so(core: Core, field: int, typed: str, said: str) -> None:
    async with opened(core, "accounts") as pilot:
        await press(pilot, "I", "n", *"house", "tab")
        await press_all(pilot, NOWHERE)
        await press(pilot, *["tab"] * (field - 1))
        await press_all(pilot, typed)
        await press(pilot, "ctrl+s")

        assert typed in await shows(pilot, said)
        assert await core.cas.sealed() == []


async def test_what_cannot_be_removed_says_why(bench: Bench) -> None:
    async with opened(bench.core, "accounts") as pilot:
        await press(pilot, "I")
        await shows(pilot, "+ sandbox")
        await press(pilot, "D")
        await shows(pilot, "delete: an account is registered there")
        await press(pilot, "j", "D")
        await shows(pilot, "delete: Let's Encrypt belongs to the catalogue")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_hostile_title_is_only_text(core: Core, size: tuple[int, int]) -> None:
    await core.cas.add("own", directory_url=NOWHERE, title=HOSTILE)
    core.cas.contacts.heard("own", KmtuiError(HOSTILE))
    async with opened(core, "accounts", size) as pilot:
        await press(pilot, "I")
        for keys in ((), ("enter",), ("escape", "D")):
            await press(pilot, *keys)
            text = await shows(pilot, "own")
            assert not {"\x1b", "\x07", "\u202e"} & set(text)


async def test_read_only_and_locked_leave_the_list_and_grey_what_changes(
    core: Core, tmp_path: Path
) -> None:
    core.access.lock()
    async with opened(core, "accounts") as pilot:
        await press(pilot, "I")
        await shows(pilot, "letsencrypt")
        await press(pilot, "n")
        await shows(pilot, "new: vault is locked: L unlocks")
    reading = await Core.open(core.data, read_only=True)
    async with opened(reading, "accounts") as pilot:
        await press(pilot, "I")
        await shows(pilot, "letsencrypt")
        await press(pilot, "n")
        await shows(pilot, "new: this is read-only mode")
    await reading.close()
