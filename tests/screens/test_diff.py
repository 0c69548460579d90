"""Two versions side by side, by keys: what differs first, each side in full, in words."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.comparison import Difference
from kmtui.core.core import Core
from kmtui.db import certificates
from kmtui.model import Certificate
from kmtui.screens.diff import change_word
from tests.core.deployment import stock
from tests.screens.shop import SIZES
from tests.screens.workbench import opened, press, shows
from tests.terminal import line_with, raw_text, screen_lines

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/]"


async def named(core: Core, certificate: Certificate, *names: str) -> Certificate:
    """The certificate with these names from now on."""
    await core.context.db.write(lambda s: certificates.update(s, certificate.id, names=names))
    return await core.certificates.get(certificate.id)


@pytest.fixture
async def shop(core: Core) -> Certificate:
    """A certificate with three versions; the last one has another name, and one less."""
    certificate = await stock.certificate(core, "shop.example.org")
    before = await named(core, certificate, "shop.example.org", "old.example.org")
    await stock.version(core, before)
    await stock.version(core, before)
    after = await named(core, certificate, "shop.example.org", "api.example.org")
    await stock.version(core, after)
    return await core.certificates.get(certificate.id)


async def at_versions(pilot: Pilot[Any]) -> None:
    await shows(pilot, "1 certificate")
    await press(pilot, "enter")
    await shows(pilot, "Versions 3")


@SIZES
async def test_a_version_is_laid_beside_the_one_before_it(
    core: Core, shop: Certificate, size: tuple[int, int]
) -> None:
    async with opened(core, "certificates", size) as pilot:
        await at_versions(pilot)
        await press(pilot, "d")
        text = await shows(pilot, "AFTER v3")

        assert "BEFORE v2" in text
        assert "shop.example.org > v3 diff" in text
        rows = screen_lines(pilot.app)
        first_same = next(at for at, row in enumerate(rows) if " same " in row)
        last_other = max(at for at, row in enumerate(rows[:-12]) if " changed " in row)
        assert last_other < first_same
        assert "new" in line_with(pilot.app, "api.example.org")
        assert "gone" in line_with(pilot.app, "old.example.org")


@SIZES
async def test_the_row_is_told_in_full(
    core: Core, shop: Certificate, size: tuple[int, int]
) -> None:
    newest = await core.certificates.version(shop.id, 3)
    async with opened(core, "certificates", size) as pilot:
        await at_versions(pilot)
        await press(pilot, "d")
        await shows(pilot, "AFTER v3")

        text = await shows(pilot, "Serial: changed")

    assert newest.serial.lstrip("0") in text.replace(":", "")


async def test_again_takes_ever_older_ones_and_comes_round(core: Core, shop: Certificate) -> None:
    async with opened(core, "certificates") as pilot:
        await at_versions(pilot)
        await press(pilot, "d")
        await shows(pilot, "BEFORE v2")
        await press(pilot, "d")
        await shows(pilot, "BEFORE v1")
        await press(pilot, "d")
        await shows(pilot, "BEFORE v2")


async def test_the_first_version_is_laid_beside_the_one_after_it(
    core: Core, shop: Certificate
) -> None:
    async with opened(core, "certificates") as pilot:
        await at_versions(pilot)
        await press(pilot, "G", "d")

        text = await shows(pilot, "AFTER v2")

    assert "BEFORE v1" in text


async def test_what_differs_is_copied(core: Core, shop: Certificate, monkeypatch: Any) -> None:
    async with opened(core, "certificates") as pilot:
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await at_versions(pilot)
        await press(pilot, "d")
        await shows(pilot, "AFTER v3")
        await press(pilot, "y")

    assert "Name\n- \n+ api.example.org" in copied[0]
    assert "Issuer" not in copied[0]


async def test_an_only_version_says_that_there_is_no_other(core: Core) -> None:
    await stock.version(core, await stock.certificate(core, "alone"))
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 1")
        await press(pilot, "d")
        await shows(pilot, "diff: there is no other version yet")
        await press(pilot, "tab", "d")
        await shows(pilot, "diff: tab goes to the versions")


@SIZES
async def test_hostile_names_obey_nothing(core: Core, size: tuple[int, int]) -> None:
    certificate = await stock.certificate(core, HOSTILE)
    await stock.version(core, certificate)
    await stock.version(core, certificate)
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter", "d")
        await shows(pilot, "AFTER v2")

        assert not {"\x1b", "\x07"} & set(raw_text(pilot.app))


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [("a", "a", "same"), ("a", "b", "changed"), ("a", "", "gone"), ("", "b", "new")],
)
def test_what_became_of_a_field_is_a_word(one: str, other: str, word: str) -> None:
    assert change_word(Difference("field", one, other)) == word
