"""DNS accounts on the screen: a generated form, tests line by line, deletion behind mappings."""

from __future__ import annotations

from kmtui.core.core import Core
from kmtui.core.dns.registry import provider_names
from kmtui.screens.new_dns import NewDnsScreen
from tests.core.conftest import Bench
from tests.screens.keyboard import opened, press_all, shows, until
from tests.terminal import line_with


async def test_bad_input_is_said_at_its_field_and_nothing_typed_is_lost(core: Core) -> None:
    async with opened(core, "dns") as pilot:
        # given
        await shows(pilot, "No DNS accounts yet. n adds one")
        await pilot.press("n")
        await shows(pilot, "Provider")
        form = pilot.app.screen
        assert isinstance(form, NewDnsScreen)
        await pilot.press("tab", *["right"] * provider_names().index("rfc2136"))
        await shows(pilot, "Primary name")
        form.form.set_values({"name": "lab", "server": "192.0.2.1", "ttl": "soon"})
        form.form.set_values({"tsig_name": "key.example.org", "tsig_secret": "c2VjcmV0"})

        # when
        await pilot.press("ctrl+s")

        # then
        text = await shows(pilot, "is not a whole number of seconds")
        assert "192.0.2.1" in text
        assert "c2VjcmV0" not in text

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
