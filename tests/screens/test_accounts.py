"""Accounts on the screen: registered from the keyboard, refused where the CA is gone."""

from __future__ import annotations

from kmtui.core.core import Core
from tests.core.conftest import Bench
from tests.screens.workbench import NARROW, WIDE, opened, press_all, shows
from tests.terminal import line_with

HOSTILE = "x [/foo] [@click=app.quit]y\x1b]52;c;aGk=\x07\u202e"


async def test_an_account_is_registered_from_the_keyboard(bench: Bench) -> None:
    async with opened(bench.core, "accounts") as pilot:
        # given: the form, for the CA that the directory's terms were fetched from
        await pilot.press("n")
        await shows(pilot, f"Terms     {bench.sandbox.directory_url.rpartition('/')[0]}/terms")

        # when: it is sent without agreeing
        await press_all(pilot, "second")
        await pilot.press("ctrl+s")

        # then: the field says so, what was typed is kept
        text = await shows(pilot, "read the terms below, then space agrees")
        assert "second" in text

        # when
        await pilot.press("space", "ctrl+s")

        # then
        await shows(pilot, "second is registered at sandbox")
        assert "valid" in line_with(pilot.app, "+ second")
        assert (await bench.core.accounts.get("second")).status == "valid"


async def test_a_ca_with_its_one_account_says_so_before_and_refuses_a_second(bench: Bench) -> None:
    url = bench.sandbox.directory_url
    await bench.core.cas.add("buypass", directory_url=url)
    await bench.core.accounts.register("first", ca="buypass", email="a@example.org", agree_tos=True)
    async with opened(bench.core, "accounts") as pilot:
        # when: it is the first that is offered
        await pilot.press("n")

        # then
        await shows(pilot, "one only, and first is there already")

        # when: it is sent all the same
        await press_all(pilot, "second")
        await pilot.press("tab", "tab")
        await press_all(pilot, "a@example.org")
        await shows(pilot, "I agree")
        await pilot.press("tab", "tab", "space", "ctrl+s")

        # then
        await shows(pilot, "allows one account, and there is first already")
        assert len(await bench.core.accounts.all()) == 2


async def test_a_retired_ca_shows_its_dates_and_is_refused(core: Core) -> None:
    await core.cas.add("own", directory_url="https://127.0.0.1:1/directory")
    async with opened(core, "accounts") as pilot:
        # given
        await shows(pilot, "No accounts yet. n registers one")
        await pilot.press("n")
        await press_all(pilot, "mine")

        # when: a letter chooses the CA
        await pilot.press("tab", "b")

        # then
        text = await shows(pilot, "no new accounts since 2025-09-15")
        assert "letsencrypt" in text
        await pilot.press("ctrl+s")
        await shows(pilot, "Buypass Go SSL ended its service")
        assert await core.accounts.all() == []


async def test_an_account_shows_what_was_agreed_to_and_tests_its_ca(bench: Bench) -> None:
    account = await bench.core.accounts.get("practice")
    for size in (NARROW, WIDE):
        async with opened(bench.core, "accounts", size) as pilot:
            await shows(pilot, "practice")

            await pilot.press("enter")
            await shows(pilot, account.key_thumbprint)

            await pilot.press("t")
            await shows(pilot, "+ directory answered")


async def test_a_hostile_title_of_a_ca_is_only_text(core: Core) -> None:
    await core.cas.add("own", directory_url="https://127.0.0.1:1/directory", title=HOSTILE)
    async with opened(core, "accounts") as pilot:
        await pilot.press("n")

        text = await shows(pilot, "x [/foo] [@click=app.quit]y")

        assert not {"\x1b", "\x07", "\u202e"} & set(text)
