"""Edit and reissue by keys: differences as they are typed, the request, what stays meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.db import certificates
from kmtui.model import RequestStatus
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued
from tests.screens.shop import SIZES, flat
from tests.screens.workbench import opened, press, shows, until
from tests.terminal import raw_text, screen_text

NAME = "www.kmtui.test"
HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/]"


async def at_form(pilot: Pilot[Any]) -> Any:
    """The form of the only certificate, filled in."""
    await shows(pilot, "1 certificate")
    await press(pilot, "E")
    await shows(pilot, "ready: ctrl+s reissues")
    return pilot.app.screen.query_one("Form")


@SIZES
async def test_what_differs_is_told_as_it_is_typed(bench: Bench, size: tuple[int, int]) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates", size) as pilot:
        form = await at_form(pilot)
        text = screen_text(pilot.app)
        assert NAME in text
        assert "nothing differs but the key" in flat(text)

        form.set_values({"names": "api.kmtui.test", "key_type": "ec384", "chain": "Some Root"})
        text = await shows(pilot, "+ added")

        assert "api.kmtui.test" in text
        assert "- removed" in text
        assert "ec256 -> ec384" in text
        assert "none -> Some Root" in text
        assert "The old version serves" in text


@SIZES
async def test_it_is_reissued_and_the_old_version_serves_until_the_new_one_is_saved(
    bench: Bench, size: tuple[int, int]
) -> None:
    core = bench.core
    await issued(bench, save="ask")
    await core.certificates.save(NAME)
    async with opened(core, "certificates", size) as pilot:
        form = await at_form(pilot)
        form.set_values({"names": f"{NAME} api.kmtui.test"})
        await shows(pilot, "+ added")
        await press(pilot, "ctrl+s")
        await shows(pilot, "reissue")
        await shows(pilot, "available", seconds=20)

    row = await core.certificates.get(NAME)
    assert (row.names, row.current_version, row.unsaved_version) == ((NAME,), 1, 2)
    await core.certificates.save(NAME)
    assert set((await core.certificates.get(NAME)).names) == {NAME, "api.kmtui.test"}


@pytest.mark.parametrize(
    ("names", "said"),
    [("", "at least one name"), ("-bad-.kmtui.test", "not a valid name")],
)
async def test_bad_names_are_told_and_stay(bench: Bench, names: str, said: str) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        form = await at_form(pilot)
        form.set_values({"names": names})
        await until(
            pilot, lambda: said in flat(screen_text(pilot.app)), f"{said} is not told while typing"
        )
        await press(pilot, "ctrl+s")

        await shows(pilot, "is needed" if not names else "not a valid name")
        assert form.text("names") == names
    assert len(await bench.core.certificates.attempts(NAME)) == 1


async def test_a_name_that_nothing_proves_leads_to_its_mapping(bench: Bench) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        form = await at_form(pilot)
        form.set_values({"names": "www.example.org"})
        await shows(pilot, "1 to correct")
        await press(pilot, "ctrl+s")

        await shows(pilot, "map www.example.org first")


async def test_from_the_certificate_it_is_the_same_key_but_among_its_targets(bench: Bench) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 1")
        await press(pilot, "E")
        await shows(pilot, "Edit and reissue")
        await press(pilot, "escape", "tab", "tab", "E")

        assert "Edit and reissue" not in screen_text(pilot.app)


async def test_of_several_marked_ones_none_is_edited(bench: Bench) -> None:
    await issued(bench)
    await stock.version(bench.core, await stock.certificate(bench.core, "other"))
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "a", "E")

        await shows(pilot, "edit: one at a time")


async def test_over_our_own_count_it_asks_first(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    for _ in range(2):
        ended = await core.renewal.wait(await core.renewal.renew([NAME]))
        assert ended[0].request is not None
        assert ended[0].request.status == RequestStatus.SAVED
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "E")
        await shows(pilot, "to correct")
        await press(pilot, "ctrl+s")
        await shows(pilot, "OVER THE LIMIT")
        await press(pilot, "y")

        await shows(pilot, "saved", seconds=20)
    assert (await core.certificates.get(NAME)).current_version == 4


@SIZES
async def test_hostile_words_obey_nothing(bench: Bench, size: tuple[int, int]) -> None:
    certificate = await stock.certificate(bench.core, "shop.example.org")
    await stock.version(bench.core, certificate)
    await bench.core.context.db.write(
        lambda s: certificates.update(s, certificate.id, name=HOSTILE, preferred_chain=HOSTILE)
    )
    async with opened(bench.core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "E")
        await shows(pilot, "to correct")

        assert not {"\x1b", "\x07"} & set(raw_text(pilot.app))
