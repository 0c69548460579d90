"""The vault's door: set up at the first run, locked, opened again."""

from __future__ import annotations

from pathlib import Path

from kmtui.core.core import Core
from tests.screens.workbench import opened, press_all, shows, until


async def test_a_key_file_sets_the_vault_up_and_opens_it_again(tmp_path: Path) -> None:
    core = await Core.open(tmp_path / "data")
    async with opened(core, "dns") as pilot:
        # given: nothing set up
        await pilot.press("n")
        await shows(pilot, "the vault is not set up yet: L does it")
        await pilot.press("L")
        await shows(pilot, "Once more*")

        # when: a key file that is not there
        await pilot.press("shift+tab", "right")
        await shows(pilot, "Key file*")
        await pilot.press("tab")
        await press_all(pilot, str(tmp_path / "vault.key"))
        await pilot.press("ctrl+s")

        # then: it was made, and the vault is open
        await shows(pilot, "the vault is open")
        assert (tmp_path / "vault.key").stat().st_mode & 0o777 == 0o600

        # when / then: L and L lock it
        await pilot.press("L")
        await shows(pilot, "The vault is open.")
        await pilot.press("L")
        await shows(pilot, "LOCKED")

        # when / then: another key file is refused at its field, the right one opens
        await pilot.press("L")
        await shows(pilot, "Key file*")
        await press_all(pilot, str(tmp_path / "vault.kex"))
        await pilot.press("ctrl+s")
        await shows(pilot, "cannot read the key file")
        await pilot.press("backspace", "y", "ctrl+s")
        await until(pilot, lambda: not core.access.locked, "still locked")
    await core.close()


async def test_a_passphrase_is_typed_twice_and_never_shown(tmp_path: Path) -> None:
    core = await Core.open(tmp_path / "data")
    async with opened(core, "dns") as pilot:
        await pilot.press("L")
        await shows(pilot, "Once more*")

        await press_all(pilot, "open sesame ")
        await pilot.press("tab")
        await press_all(pilot, "open sesame")
        await pilot.press("ctrl+s")

        text = await shows(pilot, "the two passphrases differ")
        assert "sesame" not in text
        await pilot.press("space", "ctrl+s")
        await until(pilot, lambda: core.access.initialised, "not set up", 20)
    core.access.lock()
    await core.access.unlock_with_passphrase(b"open sesame ")
    await core.close()
