"""Deleting, bringing back, purging and making current again from the screens, by keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from kmtui.core.core import Core
from kmtui.db import certificates, versions
from kmtui.model import KEPT, Certificate, ListQuery, RevocationReason
from tests.core.deployment import stock
from tests.screens.shop import SIZES, add, deployed, flat, shop
from tests.screens.workbench import opened, press, press_all, shows, until
from tests.terminal import line_with, raw_text, screen_text

__all__ = ["shop"]

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/] \u202e\x9b2J \u200b [b"
FORBIDDEN = {"\x1b", "\x07", "\u202e", "\x9b", "\u200b"}
Size = tuple[int, int]


async def deleted(core: Core) -> set[str]:
    query = ListQuery(now=datetime.now(UTC), text="status:archived")
    return {each.name for each in await core.certificates.page(query)}


async def three(core: Core) -> None:
    """Certificates a, b and c, each with a version, the first to expire first."""
    for days, name in enumerate("abc", 60):
        certificate = await stock.certificate(core, f"{name}.example.org")
        await stock.version(core, certificate, lasts=timedelta(days=days))


# --- deleting and bringing back -------------------------------------------------------------------


@SIZES
async def test_deleting_asks_once_and_u_brings_it_back(
    core: Core, shop: Certificate, size: Size
) -> None:
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")

        # when / then: the question tells what happens and what does not
        await press(pilot, "D")
        text = flat(await shows(pilot, "DELETE shop"))
        assert "At the CA nothing changes: what is valid stays valid. X revokes." in text
        assert "u, for 30 days; then its private keys are destroyed" in text
        await press(pilot, "n")
        assert not await deleted(core)

        # when
        await press(pilot, "D", "y")
        await shows(pilot, "shop deleted: u brings it back")
        assert await deleted(core) == {"shop"}
        await shows(pilot, "No certificates yet.")

        # when / then
        await press(pilot, "u")
        await shows(pilot, "shop brought back: with the settings it had")
        assert not await deleted(core)
        await shows(pilot, "+ shop")


async def test_the_cursor_is_on_what_came_back(core: Core) -> None:
    await three(core)
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "3 certificates")
        await press(pilot, "j", "D", "y")
        await shows(pilot, "b.example.org deleted")
        await press(pilot, "g", "u")
        await shows(pilot, "b.example.org brought back")
        await shows(pilot, "2 of 3")


async def test_u_asks_before_it_brings_back_what_was_deleted_before_this_session(
    core: Core, shop: Certificate
) -> None:
    await core.archive.delete(["shop"])
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "No certificates yet.")

        # when / then: it may have been somebody else's wish
        await press(pilot, "u")
        await shows(pilot, "Bring shop back, deleted on 20")
        await press(pilot, "n")
        assert await deleted(core) == {"shop"}
        await press(pilot, "u")
        await shows(pilot, "Bring shop back")
        await press(pilot, "y")
        await shows(pilot, "shop brought back")

        await press(pilot, "u")
        await shows(pilot, "undo delete: there is nothing that could come back")


@SIZES
async def test_marks_count_those_that_the_filter_hides_and_all_come_back_together(
    core: Core, size: Size
) -> None:
    await three(core)
    async with opened(core, "certificates", size) as pilot:
        # given: two marked, one of them hidden by the filter
        await shows(pilot, "3 certificates")
        await press(pilot, "space", "space", "slash", *"a.example", "enter")
        await shows(pilot, "2 marked")

        # when
        await press(pilot, "D")

        # then
        text = flat(await shows(pilot, "DELETE 2 certificates"))
        assert "a.example.org, b.example.org" in text
        assert "1 of them by the filter" in text
        await press(pilot, "y")
        await shows(pilot, "delete: 2 deleted; u brings them back  (= lists each)")
        assert await deleted(core) == {"a.example.org", "b.example.org"}
        assert "marked" not in screen_text(pilot.app)

        # when / then
        await press(pilot, "u")
        await shows(pilot, "undo delete: 2 brought back")
        assert not await deleted(core)


@SIZES
async def test_what_is_still_served_is_deleted_only_after_a_second_question(
    core: Core, shop: Certificate, tmp_path: Path, size: Size
) -> None:
    await add(core, tmp_path)
    await deployed(core)
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "D")
        assert "web1: looked at before anything is deleted" in flat(await shows(pilot, "DELETE"))

        # when / then: no
        await press(pilot, "y")
        assert "shop is still served by web1" in flat(await shows(pilot, "STILL SERVED shop"))
        await press(pilot, "n")
        await shows(pilot, "shop is kept")
        assert not await deleted(core)

        # when / then: yes
        await press(pilot, "D")
        await shows(pilot, "DELETE shop")
        await press(pilot, "y")
        await shows(pilot, "STILL SERVED shop")
        await press(pilot, "y")
        await shows(pilot, "shop deleted: u brings it back")
    assert await deleted(core) == {"shop"}


async def test_one_that_is_kept_is_listed_beside_those_that_were_deleted(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await add(core, tmp_path)
    await deployed(core)
    await three(core)
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "4 certificates")
        await press(pilot, "a", "D")
        await shows(pilot, "DELETE 4 certificates")
        await press(pilot, "y")
        await shows(pilot, "STILL SERVED shop")
        await press(pilot, "n")

        await shows(pilot, "Results > delete")
        await shows(pilot, "3 deleted   1 kept")
        assert line_with(pilot.app, "still served by").split()[:3] == ["x", "shop", "kept"]
    assert await deleted(core) == {f"{name}.example.org" for name in "abc"}


@SIZES
async def test_deleted_ones_are_found_by_the_filter_and_tell_when_they_are_purged(
    core: Core, shop: Certificate, size: Size
) -> None:
    await core.archive.delete(["shop"])
    purge = f"{datetime.now(UTC) + KEPT:%Y-%m-%d}"
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "No certificates yet.")
        await press(pilot, "slash", *"status:archived", "enter")
        await shows(pilot, "archived")
        row = line_with(pilot.app, "- shop").split()
        assert row[:3] == ["-", "shop", "archived"]
        assert f"purge {purge}" in line_with(pilot.app, "- shop")

        # then: what no longer works says why
        assert "renew: shop is deleted: u brings it back" in await press(pilot, "r")

        # then: its versions can still be looked at
        await press(pilot, "enter")
        text = flat(await shows(pilot, "Versions 2"))
        assert f"its private keys are destroyed on {purge}" in text
        assert "u brings it back, D destroys its keys now" in text
        await press(pilot, "u")
        await shows(pilot, "shop brought back")
    assert not await deleted(core)


@SIZES
async def test_deleting_a_deleted_one_destroys_its_keys_once_the_name_is_typed(
    core: Core, shop: Certificate, size: Size
) -> None:
    await core.archive.delete(["shop"])
    async with opened(core, "certificates", size) as pilot:
        await press(pilot, "slash", *"status:archived", "enter")
        await shows(pilot, "- shop")

        await press(pilot, "D")
        text = flat(await shows(pilot, "PURGE shop"))
        assert "2 private keys destroyed here, for good" in text
        assert "There is no undo." in text
        assert "off until it matches" in await press(pilot, "enter")
        await press_all(pilot, "shop")
        await press(pilot, "enter")

        await shows(pilot, "shop purged: its keys are destroyed, its history stays")
        await shows(pilot, "shop~purged")
        assert "were destroyed" in await press(pilot, "D")
        assert [v.has_key for v in await core.certificates.history(shop.id)] == [False, False]


async def test_several_deleted_ones_are_purged_by_their_number(core: Core) -> None:
    await three(core)
    await core.archive.delete(["a.example.org", "b.example.org"])
    async with opened(core, "certificates") as pilot:
        await press(pilot, "slash", *"status:archived", "enter")
        await shows(pilot, "- a.example.org")
        await press(pilot, "a", "D")
        assert "2 private keys destroyed" in flat(await shows(pilot, "PURGE 2 certificates"))
        await press(pilot, "2", "enter")
        await shows(pilot, "purge: 2 purged  (= lists each)")


async def test_on_its_own_screen_D_deletes_it_and_at_a_target_that_target(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await add(core, tmp_path)
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        await press(pilot, "D")
        await shows(pilot, "DELETE shop")
        await press(pilot, "escape", "tab", "tab", "D")
        assert "shop is put to web1 no more" in flat(await shows(pilot, "DELETE web1"))
        await press(pilot, "escape", "tab", "D", "y")
        await shows(pilot, "shop deleted: u brings it back")
        assert "archived" in flat(await shows(pilot, "archived"))


# --- making an earlier version current ------------------------------------------------------------


@SIZES
async def test_s_on_an_earlier_version_makes_it_current_again(
    core: Core, shop: Certificate, tmp_path: Path, size: Size
) -> None:
    await add(core, tmp_path)
    await deployed(core)
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        assert "save: every version is saved" in await press(pilot, "s")

        # when
        await press(pilot, "j", "s")

        # then: it is told what is deployed
        text = flat(await shows(pilot, "MAKE CURRENT shop v1"))
        assert "v2, which stays in the history" in text
        assert "web1: v1 is deployed there at once" in text
        await press(pilot, "n")
        assert (await core.certificates.get("shop")).current_version == 2

        await press(pilot, "s", "y")
        await shows(pilot, "v1 is current again")
        await until(pilot, lambda: "current" in line_with(pilot.app, "v1 "), "v1 is not current")
    assert (await core.certificates.get("shop")).current_version == 1
    assert (await core.targets.get("shop", "web1")).wanted_version == 1


async def test_what_is_revoked_is_no_way_back(core: Core, shop: Certificate) -> None:
    number, now = 2, datetime.now(UTC)
    current = await core.certificates.version("shop", number)
    await core.context.db.write(
        lambda session: versions.mark_revoked(session, current.id, now, RevocationReason.SUPERSEDED)
    )
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        await press(pilot, "j", "s")

        assert "undo none: v2 is revoked" in flat(await shows(pilot, "MAKE CURRENT shop v1"))


async def test_one_that_nobody_should_serve_is_not_made_current(
    core: Core, shop: Certificate
) -> None:
    first = await core.certificates.version("shop", 1)
    now = datetime.now(UTC)
    await core.context.db.write(
        lambda session: versions.mark_revoked(session, first.id, now, "superseded")
    )
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        await press(pilot, "j")
        assert f"save: v1 was revoked on {now:%Y-%m-%d}" in await press(pilot, "s")


# --- what stands in the way -----------------------------------------------------------------------


async def test_a_locked_vault_says_which_key_unlocks_it(core: Core, shop: Certificate) -> None:
    core.access.lock()
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        for key, word in (("X", "revoke"), ("D", "delete"), ("u", "undo delete")):
            assert f"{word}: vault is locked: L unlocks" in await press(pilot, key)
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        for key, word in (("X", "revoke"), ("D", "delete")):
            assert f"{word}: vault is locked: L unlocks" in await press(pilot, key)


async def test_read_only_changes_nothing_and_says_so(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    reader = await Core.open(core.data, read_only=True)
    async with opened(reader, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        for key, word in (("X", "revoke"), ("D", "delete"), ("u", "undo delete"), ("s", "save")):
            assert f"{word}: this is read-only mode" in await press(pilot, key)
    await reader.close()


async def test_without_a_certificate_the_keys_say_so(core: Core) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "No certificates yet.")
        for key, word in (("X", "revoke"), ("D", "delete"), ("s", "save"), ("r", "renew")):
            assert f"{word}: there is no certificate here" in await press(pilot, key)


@SIZES
async def test_hostile_names_are_only_shown_in_every_question(core: Core, size: Size) -> None:
    for name in (HOSTILE, f"{HOSTILE}2"):
        certificate = await stock.certificate(core, "shop")
        await core.context.db.write(lambda s: None)
        await stock.version(core, certificate)
        await core.certificates.set(certificate.id, name=name)
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "2 certificates")
        for keys in (
            *(("X", "escape"), ("D", "escape"), ("a", "X"), ("escape", "D"), ("escape",)),
            *(("escape", "D"), ("y",), ("slash", *"status:archived", "enter"), ("D",)),
            *(("escape", "u"), ("enter", "D"), ("escape",)),
        ):
            await press(pilot, *keys)
            assert not FORBIDDEN & set(raw_text(pilot.app))


async def test_a_key_is_about_what_is_marked_and_not_about_the_row_under_the_cursor(
    core: Core,
) -> None:
    # given: one with a version is marked, the cursor is on one without
    await stock.version(core, await stock.certificate(core, "a.example.org"))
    await stock.certificate(core, "b.example.org")
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "slash", *"a.example", "enter", "space", "escape")
        await press(pilot, *("G" if "b.ex" in screen_text(pilot.app).split("a.ex")[-1] else "g"))

        # when / then
        await press(pilot, "e")
        await shows(pilot, "a.example.org v1")


async def test_what_should_have_been_purged_is_said_to_be_at_the_next_run(
    core: Core, shop: Certificate
) -> None:
    long_ago = datetime.now(UTC) - KEPT - timedelta(days=3)
    await core.context.db.write(lambda session: certificates.archive(session, shop.id, long_ago))
    async with opened(core, "certificates") as pilot:
        await press(pilot, "slash", *"status:archived", "enter")
        await shows(pilot, "- shop")
        await press(pilot, "D")

        assert "happens by itself at the next unattended run" in flat(await shows(pilot, "PURGE"))
