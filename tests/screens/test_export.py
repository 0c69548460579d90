"""Export by keys: formats, places, passwords; what is there stays, and no secret is ever shown."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.model import Certificate
from kmtui.screens.new_password import PasswordPanel
from tests.core.deployment import stock
from tests.screens.shop import SIZES, flat
from tests.screens.workbench import NARROW, opened, press, shows, until
from tests.terminal import raw_text, screen_text

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/]"
FORBIDDEN = {"\x1b", "\x07"}


@pytest.fixture
async def shop(core: Core) -> Certificate:
    """A certificate with two versions."""
    certificate = await stock.certificate(core, "shop.example.org")
    await stock.version(core, certificate)
    await stock.version(core, certificate)
    return certificate


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


async def fill(pilot: Pilot[Any], **values: str | bool) -> None:
    """Put values into fields of the form that is shown; ``_`` stands for ``-``."""
    form = pilot.app.screen.query_one("Form")
    form.set_values({name.replace("_", "-"): value for name, value in values.items()})  # type: ignore[attr-defined]
    await pilot.pause()


async def choose(pilot: Pilot[Any], name: str, value: str) -> None:
    """Turn a choice until it shows that value."""
    form = pilot.app.screen.query_one("Form")
    form.focus_field(name)  # type: ignore[attr-defined]
    await until(pilot, lambda: pilot.app.focused is not None, "nothing has the focus")
    while form.text(name) != value:  # type: ignore[attr-defined]
        await press(pilot, "right")


@SIZES
async def test_the_chain_goes_to_a_file_below_the_working_directory(
    core: Core, shop: Certificate, here: Path, size: tuple[int, int]
) -> None:
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        text = await shows(pilot, "stays here")

        assert "shop.example.org v2" in text
        assert "what nearly every server reads" in flat(text)

        await press(pilot, "ctrl+s")
        text = await shows(pilot, "shop.example.org v2 is in")

    path = here / "shop.example.org.pem"
    stored = await core.certificates.version(shop.id, 2)
    assert path.read_text() == stored.chain_pem
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@SIZES
async def test_what_is_there_stays_until_replace_is_ticked_and_what_was_typed_stays_too(
    core: Core, shop: Certificate, here: Path, size: tuple[int, int]
) -> None:
    path = here / "shop.pem"
    path.write_text("precious")
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        await fill(pilot, out="shop.pem", with_key=True)
        await shows(pilot, "shop.pem exists already")
        await shows(pilot, "goes along in the clear")

        await press(pilot, "ctrl+s")
        await shows(pilot, "tick Replace to overwrite it")
        assert path.read_text() == "precious"

        await fill(pilot, replace=True)
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "is in")

    assert "PRIVATE" not in text
    assert "PRIVATE KEY" in path.read_text()


@SIZES
async def test_a_new_password_is_shown_once_and_opens_the_file(
    core: Core, shop: Certificate, here: Path, size: tuple[int, int], monkeypatch: Any
) -> None:
    async with opened(core, "certificates", size) as pilot:
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        await choose(pilot, "format", "p12")
        await shows(pilot, "goes along, sealed")
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "PASSWORD of shop.example.org v2")
        panel = pilot.app.screen
        assert isinstance(panel, PasswordPanel)
        password = panel._password.reveal()
        assert password in text

        await press(pilot, "y")
        await shows(pilot, "copied to the terminal's clipboard")
        text = await press(pilot, "escape")

        assert copied == [password]
        assert password not in text
        assert "is in" in text
        await press(pilot, "6")
        assert password not in await shows(pilot, "export")

    key, leaf, _ = pkcs12.load_key_and_certificates(
        (here / "shop.example.org.p12").read_bytes(), password.encode()
    )
    assert key is not None
    assert leaf is not None


async def test_an_esc_that_was_typed_ahead_loses_no_password(core: Core, shop: Certificate) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        await choose(pilot, "format", "p12")

        await pilot.press("ctrl+s", "escape")
        assert "PASSWORD of shop.example.org v2" in await shows(pilot, "esc once more closes")

        assert "PASSWORD" not in await press(pilot, "escape")


@SIZES
async def test_a_typed_password_is_never_drawn_and_asked_for_twice(
    core: Core, shop: Certificate, here: Path, size: tuple[int, int]
) -> None:
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        await choose(pilot, "format", "jks")
        await choose(pilot, "password", "typed")

        await press(pilot, "ctrl+s")
        await shows(pilot, "is needed")
        await fill(pilot, typed="hunter2x", again="hunter2y")
        await shows(pilot, "fewer than 16")
        await press(pilot, "ctrl+s")
        await shows(pilot, "not the same twice")
        assert "hunter2" not in screen_text(pilot.app)
        assert os.listdir(here) == []

        await fill(pilot, again="hunter2x")
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "is in")

    assert "hunter2" not in text
    assert (here / "shop.example.org.jks").exists()


async def test_a_password_comes_from_a_file(core: Core, shop: Certificate, here: Path) -> None:
    (here / "pw").write_text("correct horse battery\n")
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        await choose(pilot, "format", "p12-legacy")
        await shows(pilot, "before Server 2019")
        await choose(pilot, "password", "file")
        await fill(pilot, password_file="nowhere")
        await press(pilot, "ctrl+s")
        await shows(pilot, "cannot read it")

        await fill(pilot, password_file="pw")
        await press(pilot, "ctrl+s")
        await shows(pilot, "is in")

    data = (here / "shop.example.org.p12").read_bytes()
    assert pkcs12.load_key_and_certificates(data, b"correct horse battery")[0] is not None


async def test_one_part_alone_and_an_older_version(
    core: Core, shop: Certificate, here: Path
) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        await press(pilot, "down", "e")
        await shows(pilot, "shop.example.org v1")
        await choose(pilot, "part", "leaf")
        await shows(pilot, "shop.example.org-leaf.pem")
        await press(pilot, "ctrl+s")
        await shows(pilot, "shop.example.org v1 is in")

    stored = await core.certificates.version(shop.id, 1)
    leaf = (here / "shop.example.org-leaf.pem").read_text()
    assert stored.chain_pem.startswith(leaf)
    assert leaf != stored.chain_pem


@SIZES
async def test_marked_ones_go_into_a_directory_and_each_result_is_listed(
    core: Core, shop: Certificate, here: Path, size: tuple[int, int]
) -> None:
    await stock.version(core, await stock.certificate(core, "api.example.org"))
    (here / "all").mkdir()
    (here / "all" / "api.example.org").write_text("in the way")
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "a", "slash", *"shop", "enter")
        await shows(pilot, "2 marked")
        await press(pilot, "e")
        text = await shows(pilot, "1 of them by the filter")
        assert "certificates" in text

        await fill(pilot, out="all")
        await press(pilot, "ctrl+s")
        text = await shows(pilot, "x api.example.org")
        assert "1 exported" in text
        assert "1 failed" in text

        await press(pilot, "slash", *"api", "enter", "enter")
        await until(
            pilot, lambda: "is no directory" in flat(screen_text(pilot.app)), "it is not told why"
        )

    assert (here / "all" / "shop.example.org" / "fullchain.pem").exists()


@pytest.mark.parametrize("state", ["read-only", "locked", "no version"])
async def test_an_impossible_export_says_why(core: Core, shop: Certificate, state: str) -> None:
    if state == "no version":
        await core.archive.delete(["shop.example.org"])
        await stock.certificate(core, "empty")
    elif state == "locked":
        core.access.lock()
    else:
        core.access.read_only = True  # type: ignore[misc]
    said = {
        "read-only": "export: this is read-only mode",
        "locked": "export: vault is locked: L unlocks",
        "no version": "export: empty has no version yet",
    }
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")

        await shows(pilot, said[state])


@SIZES
async def test_a_hostile_label_obeys_nothing(core: Core, here: Path, size: tuple[int, int]) -> None:
    await stock.version(core, await stock.certificate(core, HOSTILE))
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        assert not FORBIDDEN & set(raw_text(pilot.app))
        await press(pilot, "ctrl+s")
        await shows(pilot, "is in")
        assert not FORBIDDEN & set(raw_text(pilot.app))

    (name,) = os.listdir(here)
    assert name.isascii()


async def test_a_home_that_nobody_has_is_a_path_like_any_other(
    core: Core, shop: Certificate
) -> None:
    async with opened(core, "certificates", NARROW) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "e")
        await shows(pilot, "stays here")
        await fill(pilot, out="~nobody-here/x.pem")
        await press(pilot, "ctrl+s")

        await shows(pilot, "cannot write")
