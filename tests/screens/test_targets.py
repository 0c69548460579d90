"""Targets on the screen: set up, changed, looked at, forgotten; and keys that say why not."""

from __future__ import annotations

from pathlib import Path

from kmtui.core.core import Core
from kmtui.core.deployment.bundle import FULLCHAIN
from kmtui.model import Certificate, TargetState
from kmtui.screens.target_form import TargetForm
from tests.core.deployment import stock
from tests.screens.shop import SIZES, add, at_targets, deployed, flat, now, serving, shop
from tests.screens.workbench import WIDE, opened, press, press_all, shows
from tests.terminal import line_with

__all__ = ["shop"]


@SIZES
async def test_a_target_is_added_and_tells_which_files_a_server_must_name(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with at_targets(core, size) as pilot:
        # given
        await shows(pilot, "No targets yet. n adds one")
        await press(pilot, "n")
        await shows(pilot, "< web >")

        # when
        form = pilot.app.screen
        assert isinstance(form, TargetForm)
        form.form.set_values({"name": "web1", "dir": "/srv/tls"})
        await shows(pilot, "/srv/tls/privkey.pem")
        form.form.set_values({"dir": f"{tmp_path}/tls", "reload": "true", "mode": "0600"})
        await press(pilot, "ctrl+s")

        # then
        await shows(pilot, "web1 added: p deploys v2")
        target = await now(core)
        assert (target.directory, target.mode) == (f"{tmp_path}/tls", 0o600)
        row = line_with(pilot.app, ": web1 ")
        assert "new v2" in row
        assert "waiting" in row


async def test_bad_input_is_said_at_its_field(core: Core, shop: Certificate) -> None:
    async with at_targets(core) as pilot:
        await press(pilot, "n")
        form = pilot.app.screen
        assert isinstance(form, TargetForm)
        form.form.set_values({"name": "web1", "dir": "tls", "mode": "0644"})

        await press(pilot, "ctrl+s")
        await shows(pilot, "is no directory for certificates")
        form.form.set_values({"dir": "/srv/tls"})
        await press(pilot, "ctrl+s")

        await shows(pilot, "more than owner and group could use")
        assert await core.targets.all() == []


async def test_a_command_may_put_the_files(core: Core, shop: Certificate) -> None:
    async with at_targets(core) as pilot:
        await press(pilot, "n")
        await shows(pilot, "< web >")
        await press(pilot, "tab", "right")
        text = await shows(pilot, "KMTUI_PRIVKEY")
        assert "Directory" not in text
        form = pilot.app.screen
        assert isinstance(form, TargetForm)
        form.form.set_values({"name": "lb", "exec": "/bin/true"})
        await press(pilot, "ctrl+s")

        await shows(pilot, "lb added")
        assert "command" in line_with(pilot.app, " lb ")


async def test_settings_are_changed_and_a_target_is_forgotten(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await add(core, tmp_path)
    await deployed(core)
    async with at_targets(core) as pilot:
        # when
        await press(pilot, "E")
        await shows(pilot, "web1 > Edit")
        form = pilot.app.screen
        assert isinstance(form, TargetForm)
        assert "dir" not in form.form.values
        form.form.set_values({"check": "true"})
        await press(pilot, "ctrl+s")

        # then
        await shows(pilot, "web1 changed")
        assert (await now(core)).check_command == "true"

        # when: it is the row under the cursor, whatever is marked
        await press(pilot, "space", "D")
        await shows(pilot, "stays, and goes on being served")
        await press(pilot, "y")

        # then
        await shows(pilot, "No targets yet")
        assert (tmp_path / "tls" / "web1" / FULLCHAIN).exists()


@SIZES
async def test_a_server_that_serves_another_certificate_is_stale(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name, content in (await stock.files(core, shop, 1)).files.items():
        (other / name).write_bytes(content)
    async with serving(other) as address:
        await add(core, tmp_path)
        await deployed(core)
        await core.targets.update("shop", "web1", verify=address)
        await deployed(core)
        async with at_targets(core, size) as pilot:
            row = line_with(pilot.app, "! web1")
            assert "stale" in row

            await press(pilot, "t")

            await shows(pilot, "serves another certificate: serial")
            assert (await now(core)).state == TargetState.STALE


async def test_keys_that_can_do_nothing_say_why(core: Core, shop: Certificate) -> None:
    async with at_targets(core) as pilot:
        for key, why in {
            "p": "deploy: there is no target: n adds one",
            "t": "test: there is no target: n adds one",
            "E": "edit: there is no target: n adds one",
            "D": "delete: there is no target: n adds one",
        }.items():
            await press(pilot, key)
            await shows(pilot, why)
        await press(pilot, "tab", "b")
        await shows(pilot, "roll back: there is no target: n adds one")

        core.access.lock()
        await shows(pilot, "LOCKED")
        await press(pilot, "n")
        await shows(pilot, "vault is locked: L unlocks")


async def test_where_nobody_can_look_the_key_says_so(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await add(core, tmp_path)
    async with at_targets(core) as pilot:
        await press(pilot, "t")
        await shows(pilot, "test: nothing says where the server is seen: E does")


# --- in other lists -------------------------------------------------------------------------------


async def test_the_list_of_certificates_counts_what_is_not_well_and_filters_by_it(
    core: Core, shop: Certificate, tmp_path: Path
) -> None:
    await add(core, tmp_path, "web1", check_command="false")
    await add(core, tmp_path, "web2")
    await deployed(core)
    async with opened(core, "certificates", WIDE) as pilot:
        await shows(pilot, "1 target failed")
        await shows(pilot, "targets  1 failed, 1 deployed")

        await press(pilot, "slash")
        await press_all(pilot, "target:stale")
        await shows(pilot, "No match")
        await press(pilot, *["backspace"] * 5)
        await press_all(pilot, "failed")
        await shows(pilot, "+ shop")


@SIZES
async def test_an_end_server_shows_its_targets_and_a_test_what_they_serve(
    core: Core, shop: Certificate, tmp_path: Path, size: tuple[int, int]
) -> None:
    directory = tmp_path / "tls" / "web1"
    async with serving(directory) as address:
        await add(core, tmp_path, verify=address)
        await deployed(core)
        async with opened(core, "servers", size) as pilot:
            # given
            await shows(pilot, "TARGETS")
            assert line_with(pilot.app, "local").split().count("1") == 1

            # when / then
            await press(pilot, "D")
            await shows(pilot, "delete: shop is put there (1 in all)")
            await press(pilot, "t")
            text = flat(await shows(pilot, "serves version 2"))
            assert f"+ shop web1: {address} serves version 2" in text
            assert "shop v2 verified" in text
