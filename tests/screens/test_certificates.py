"""The home screen: what needs a look is seen, and what waits is saved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.core import last_run
from kmtui.core.core import Core
from kmtui.core.last_run import LastRun
from kmtui.model import RequestStatus
from tests.db.samples import Filled
from tests.screens.workbench import NARROW, WIDE, opened, press, shows
from tests.terminal import line_with, screen_text

DAY = timedelta(days=1)


def issued(filled: Filled, name: str, days_left: float, *, saved: bool = True) -> str:
    """A certificate whose 90 days end in so many; returns its id."""
    now = datetime.now(UTC)
    certificate = filled.certificate(name, names=(name, f"www.{name}"))
    end = now + days_left * DAY
    filled.version(
        certificate, saved=saved, not_before=end - 90 * DAY, not_after=end, issued_at=end - 90 * DAY
    )
    return certificate.id


async def test_an_empty_inventory_names_the_next_keys_and_its_place(core: Core) -> None:
    async with opened(core, "certificates") as pilot:
        text = await shows(pilot, "No certificates yet.")

    assert "3 n   register an account" in text
    assert "n     request a certificate" in text
    assert f"Data: {core.data}"[:70] in text
    assert "set up the vault" not in text


async def test_without_a_vault_the_first_step_is_to_set_it_up(tmp_path: Path) -> None:
    core = await Core.open(tmp_path / "data")
    async with opened(core, "certificates") as pilot:
        assert "L     set up the vault" in await shows(pilot, "No certificates yet.")
        assert "the vault is not set up yet: L does it" in await press(pilot, "n")
    await core.close()


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_each_certificate_tells_its_state_and_the_counts_add_up(
    core: Core, filled: Filled, size: tuple[int, int]
) -> None:
    issued(filled, "valid.example.org", 80.5)
    issued(filled, "due.example.org", 20.5)
    issued(filled, "soon.example.org", 3.5)
    issued(filled, "over.example.org", -2.5)
    issued(filled, "new.example.org", 89.5, saved=False)
    made = LastRun(at=datetime.now(UTC), actor="timer@here")
    await core.context.db.write(lambda session: last_run.put(session, made))

    async with opened(core, "certificates", size) as pilot:
        text = await shows(pilot, "5 certificates   1 expired   1 expiring   1 due   1 unsaved")

        assert line_with(pilot.app, "over.example.org +1 ").split()[:4] == [
            *("x", "over.example.org", "+1", "expired")
        ]
        assert "! soon.example.org +1" in text
        assert " 3d " in line_with(pilot.app, "! soon")
        assert "~ due.example.org +1" in text
        assert "+ valid.example.org +1" in text
        assert "save v1" in line_with(pilot.app, "* new.example.org")
        assert [
            text.index(f"{word}.example.org +1 ") for word in ("over", "soon", "due")
        ] == sorted(text.index(f"{word}.example.org +1 ") for word in ("over", "soon", "due"))


async def test_a_failed_renewal_is_seen_and_leaves_the_certificate_valid(
    core: Core, filled: Filled
) -> None:
    name = "shop.example.org"
    certificate_id = issued(filled, name, 80.5)
    filled.request(name, certificate_id=certificate_id, status=RequestStatus.FAILED)

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 failing")
        row = line_with(pilot.app, "+ shop.example.org")

    assert "valid" in row
    assert "failed" in row


async def test_the_digit_of_the_root_that_lies_below_says_which_key_goes_back(
    core: Core, filled: Filled
) -> None:
    filled.certificate("www.example.org")
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Certificates > www.example.org")

        await press(pilot, "1")
        await shows(pilot, "esc goes back to Certificates")

        await press(pilot, "3")
        await shows(pilot, "No accounts yet")
        await press(pilot, "1")
        await shows(pilot, "Certificates > www.example.org")


async def test_the_pane_follows_the_cursor_where_there_is_room(core: Core, filled: Filled) -> None:
    issued(filled, "a.example.org", 20.5)
    issued(filled, "b.example.org", 80.5)

    async with opened(core, "certificates", WIDE) as pilot:
        assert "www.a.example.org" in await shows(pilot, "due since")
        text = await press(pilot, "j")

    assert "www.b.example.org" in text
    assert "www.a.example.org" not in text
    assert "v1 current, 1 in all" in text


async def test_the_filter_knows_words_and_states(core: Core, filled: Filled) -> None:
    issued(filled, "shop.example.org", 20.5)
    issued(filled, "blog.example.org", 80.5)

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "slash", *"status:due", "enter")
        text = await shows(pilot, "/status:due")
        assert "shop.example.org" in text
        assert "blog.example.org" not in text

        await press(pilot, "escape", "slash", *"nothing", "enter")
        assert "No match for /nothing. esc clears the filter." in screen_text(pilot.app)


async def test_s_saves_what_waits_and_says_so(core: Core, filled: Filled) -> None:
    certificate_id = issued(filled, "shop.example.org", 89.5, saved=False)

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 unsaved")
        await press(pilot, "s")
        await shows(pilot, "shop.example.org saved: v1 is current now")
        await shows(pilot, "valid")

        assert "save: no version of shop.example.org waits to be saved" in await press(pilot, "s")
    assert (await core.certificates.get(certificate_id)).current_version == 1


async def test_marked_ones_are_saved_after_a_question(core: Core, filled: Filled) -> None:
    ids = [issued(filled, f"{name}.example.org", 89.5, saved=False) for name in "abc"]

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "3 unsaved")
        await press(pilot, "space", "space", "s")
        await shows(pilot, "Save the new versions of 2 of 2 marked?")
        await press(pilot, "n", "s")
        await shows(pilot, "Save the new versions")
        assert (await core.certificates.counts())["unsaved"] == 3

        await press(pilot, "y")
        await shows(pilot, "save: 2 saved  (= lists each)")
    found = [await core.certificates.get(certificate_id) for certificate_id in ids]
    assert [certificate.current_version for certificate in found] == [1, 1, None]


async def test_a_locked_vault_saves_nothing_and_tells_the_key(core: Core, filled: Filled) -> None:
    issued(filled, "shop.example.org", 89.5, saved=False)
    core.access.lock()

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 unsaved")
        assert "save: vault is locked: L unlocks" in await press(pilot, "s")
        assert (await core.certificates.counts())["unsaved"] == 1


async def test_hostile_names_are_shown_without_effect(core: Core, filled: Filled) -> None:
    filled.certificate(
        "[/bold]\x1b]52;c;eA==\x07 [@click=app.quit]x", names=("a\u202e.example.org",)
    )

    async with opened(core, "certificates", WIDE) as pilot:
        text = await shows(pilot, "[@click=app.quit]x")

    assert not any(code in text for code in ("\x1b", "\x07", "\u202e"))
