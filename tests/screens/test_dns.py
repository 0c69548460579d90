"""DNS accounts on the screen: a generated form, tests line by line, deletion behind mappings."""

from __future__ import annotations

import pytest

from kmtui.core.core import Core
from kmtui.core.dns.registry import provider_names
from kmtui.screens.dns_form import DnsForm
from tests.core.conftest import Bench
from tests.screens.workbench import NARROW, WIDE, opened, press_all, shows, until
from tests.terminal import line_with


async def test_bad_input_is_said_at_its_field_and_nothing_typed_is_lost(core: Core) -> None:
    async with opened(core, "dns") as pilot:
        # given
        await shows(pilot, "No DNS accounts yet. n adds one")
        await pilot.press("n")
        await shows(pilot, "Provider")
        form = pilot.app.screen
        assert isinstance(form, DnsForm)
        await pilot.press("tab", *["right"] * provider_names().index("rfc2136"))
        await shows(pilot, "Primary name")
        form.form.set_values({"name": "lab", "server": "192.0.2.1", "ttl": "soon"})
        form.form.set_values({"tsig_name": "key.example.org", "tsig_secret": "c2VjcmV0"})

        # when
        await pilot.press("ctrl+s")

        # then
        text = await shows(pilot, "is not a whole number of seconds")
        assert "c2VjcmV0" not in text
        assert form.form.text("server") == "192.0.2.1"

        # when: it is mended
        form.form.set_values({"ttl": "120"})
        await pilot.press("ctrl+s")

        # then
        await shows(pilot, "lab added")
        account = await core.dns_accounts.get("lab")
        assert account.settings["ttl"] == "120"
        assert account.secret_names == ("tsig_secret",)


async def test_a_test_shows_its_lines_and_the_list_its_outcome(bench: Bench) -> None:
    async with opened(bench.core, "dns") as pilot:
        await shows(pilot, "never")

        await pilot.press("t")
        text = await shows(pilot, "is primary for kmtui.test")
        assert "stored, sealed" in text

        await pilot.press("escape")
        await shows(pilot, "ok just now")


async def test_an_account_is_deleted_only_after_its_mappings(bench: Bench) -> None:
    async with opened(bench.core, "dns") as pilot:
        # given
        await shows(pilot, "lab")

        # when / then: in use
        await pilot.press("D")
        await shows(pilot, "delete: mappings lead to it (1): m shows them")

        # when: its mapping goes
        await pilot.press("m")
        await shows(pilot, ".kmtui.test")
        await pilot.press("D")
        await shows(pilot, "DELETE .kmtui.test")
        await pilot.press("y")
        await shows(pilot, "No names lead here yet")

        # then: it can go too
        await pilot.press("escape")
        await until(pilot, lambda: line_with(pilot.app, "lab").endswith(" 0"), "still in use")
        await pilot.press("D")
        await shows(pilot, "DELETE lab")
        await pilot.press("y")
        await shows(pilot, "No DNS accounts yet")
        assert await bench.core.dns_accounts.all() == []


async def test_names_are_mapped_from_the_list(bench: Bench) -> None:
    async with opened(bench.core, "dns") as pilot:
        await shows(pilot, "lab")
        await pilot.press("m", "n")
        await shows(pilot, "Names*")

        await press_all(pilot, "no name")
        await pilot.press("ctrl+s")
        await shows(pilot, "no name")
        await pilot.press(*["backspace"] * 7)
        await press_all(pilot, "*.example.org")
        await pilot.press("ctrl+s")

        await shows(pilot, "*.example.org leads to lab")


async def test_a_locked_vault_says_so_where_a_key_would_change_things(bench: Bench) -> None:
    async with opened(bench.core, "dns") as pilot:
        await shows(pilot, "lab")
        bench.core.access.lock()
        await shows(pilot, "LOCKED")

        await pilot.press("n")
        await shows(pilot, "vault is locked: L unlocks")
        await pilot.press("t")
        await shows(pilot, "test: vault is locked: L unlocks")
        assert (await bench.core.dns_accounts.get("lab")).last_test_ok is None


async def test_an_account_is_changed_and_keeps_its_secrets(bench: Bench) -> None:
    before = await bench.core.dns_accounts.get("lab")
    async with opened(bench.core, "dns") as pilot:
        # given
        await shows(pilot, "lab")
        await pilot.press("E")
        await shows(pilot, "stored; empty keeps it")
        form = pilot.app.screen
        assert isinstance(form, DnsForm)
        assert form.form.text("server") == before.settings["server"]

        # when: bad input, behind the line of what few need
        form.form.set_values({"ttl": "soon", "zones": "kmtui.test"})
        await pilot.press("ctrl+s")
        await shows(pilot, "is not a whole number of seconds")

        # when: it is mended
        form.form.set_values({"ttl": "120"})
        await pilot.press("ctrl+s")

        # then
        await shows(pilot, "lab changed: t tests it")
        account = await bench.core.dns_accounts.get("lab")
        assert account.settings == {**before.settings, "ttl": "120"}
        assert account.zones == ("kmtui.test",)
        assert account.secret_names == before.secret_names
        await pilot.press("t")
        await shows(pilot, "is primary for kmtui.test")


async def test_nothing_is_written_where_nothing_was_changed(bench: Bench) -> None:
    before = await bench.core.dns_accounts.get("lab")
    async with opened(bench.core, "dns") as pilot:
        await shows(pilot, "lab")
        await pilot.press("E")
        await shows(pilot, "stored; empty keeps it")

        await pilot.press("ctrl+s")

        await shows(pilot, "nothing was changed")
        assert await bench.core.dns_accounts.get("lab") == before


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_longest_form_shows_what_most_need_without_scrolling(
    core: Core, size: tuple[int, int]
) -> None:
    async with opened(core, "dns", size) as pilot:
        await shows(pilot, "No DNS accounts yet")

        await pilot.press("n")

        text = await shows(pilot, "Azure DNS")
        for label in ("Tenant ID", "Client secret", "Zones", "+ 13 more", "Right"):
            assert label in text
