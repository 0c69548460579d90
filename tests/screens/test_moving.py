"""Move by keys: what fits is told before, each result after; a retired CA points to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kmtui.core.errors import OverLimit, Refused
from kmtui.core.moving import Removal
from kmtui.core.successors import Outcome
from kmtui.db import certificates
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_moving import limited, retired
from tests.core.test_renewal import issued
from tests.screens.shop import SIZES, flat
from tests.screens.workbench import opened, press, shows, until
from tests.terminal import line_with, raw_text, screen_text

__all__ = ["limited"]

HOSTILE = "a\x1b]52;c;cm0=\x07 [/foo] [@click=app.quit]x[/]"


@pytest.fixture
async def shop(limited: Bench) -> Bench:
    """Three certificates of a retired CA, one with more names than the other CA takes."""
    await retired(limited.core, "one.kmtui.test")
    await retired(limited.core, "many", *(f"n{each}.kmtui.test" for each in range(4)))
    await retired(limited.core, "two.kmtui.test")
    return limited


@SIZES
async def test_marked_ones_are_looked_at_then_moved_and_each_result_is_listed(
    shop: Bench, size: tuple[int, int]
) -> None:
    async with opened(shop.core, "certificates", size) as pilot:
        # given
        await shows(pilot, "3 certificates")
        await press(pilot, "a", "M")
        await shows(pilot, "3 fit")
        await press(pilot, "right")

        # then: each is told to fit or not, and why
        text = await shows(pilot, "2 fit")
        assert "1 does not" in text
        assert "no" in line_with(pilot.app, "x many")
        assert "limited takes at most" in line_with(pilot.app, "x many")
        assert "lives 90 days" in line_with(pilot.app, "+ one.kmtui.test")
        # when
        await press(pilot, "ctrl+s")
        await shows(pilot, "MOVE 2 to ")
        await press(pilot, "y")

        # then
        await until(
            pilot,
            lambda: "2 moved" in screen_text(pilot.app) and "1 failed" in screen_text(pilot.app),
            "it does not end",
            seconds=30,
        )
        assert "limited takes" in line_with(pilot.app, "x many")
        await press(pilot, "escape")
        await shows(pilot, "move: 2 moved, 1 failed  (= lists each)")
    row = await shop.core.certificates.get("one.kmtui.test")
    assert (row.ca, row.current_version) == (row.ca, 2)
    assert row.ca != "buypass"
    assert (await shop.core.certificates.get("many")).ca == "buypass"


@SIZES
async def test_one_alone_is_told_by_its_name(shop: Bench, size: tuple[int, int]) -> None:
    async with opened(shop.core, "certificates", size) as pilot:
        await shows(pilot, "3 certificates")
        await press(pilot, "slash", *"one", "enter", "M")
        await shows(pilot, "ctrl+s moves 1 to")
        await press(pilot, "ctrl+s", "y")

        await shows(pilot, "one.kmtui.test moved", seconds=20)
    assert (await shop.core.certificates.get("one.kmtui.test")).current_version == 2


async def test_another_account_is_looked_at_anew_and_esc_leaves_everything(shop: Bench) -> None:
    async with opened(shop.core, "certificates") as pilot:
        await shows(pilot, "3 certificates")
        await press(pilot, "a", "M")
        await shows(pilot, "3 fit")
        before = screen_text(pilot.app)
        await press(pilot, "right")
        await until(pilot, lambda: screen_text(pilot.app) != before, "nothing is looked at")
        await shows(pilot, "1 does not")
        await press(pilot, "ctrl+s")
        await shows(pilot, "MOVE")
        await press(pilot, "n", "escape")
        await shows(pilot, "3 certificates")
    assert (await shop.core.certificates.get("one.kmtui.test")).current_version == 1


async def test_hidden_marks_are_told(shop: Bench) -> None:
    async with opened(shop.core, "certificates") as pilot:
        await shows(pilot, "3 certificates")
        await press(pilot, "a", "slash", *"one", "enter", "M")
        await shows(pilot, "2 hidden by the filter")
        await press(pilot, "ctrl+s")

        await shows(pilot, "2 of them by the filter")


@SIZES
async def test_a_certificate_of_a_retired_ca_points_to_the_key(
    shop: Bench, size: tuple[int, int]
) -> None:
    async with opened(shop.core, "certificates", size) as pilot:
        await shows(pilot, "3 certificates")
        if size[0] > 100:
            await until(
                pilot, lambda: "M moves it" in flat(screen_text(pilot.app)), "the pane is silent"
            )
        await press(pilot, "enter")
        await shows(pilot, "Versions 1")

        await until(
            pilot, lambda: "M moves it" in flat(screen_text(pilot.app)), "the head is silent"
        )
        await press(pilot, "M")
        await shows(pilot, "ctrl+s moves 1 to")


async def test_without_an_account_elsewhere_it_says_what_to_do(bench: Bench) -> None:
    core = bench.core
    await retired(core, "one.kmtui.test")
    await core.accounts.deactivate("practice")
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "M")

        await shows(pilot, "3 and n registers one")
        await press(pilot, "ctrl+s")
        await shows(pilot, "move: what fits there is not known yet")


async def test_what_goes_nowhere_says_so(bench: Bench) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "M")
        await shows(pilot, "none of them can go there")
        assert "already" in line_with(pilot.app, "x www")
        await press(pilot, "ctrl+s")

        await shows(pilot, "move: none of them can go there")


async def test_what_was_said_of_one_account_goes_when_another_is_chosen(bench: Bench) -> None:
    # given: two accounts at one CA, and a certificate that is with the first
    await issued(bench)
    core = bench.core
    await core.accounts.register("second", ca="sandbox", email="b@kmtui.test", agree_tos=True)
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "M")
        await shows(pilot, "none of them can go there: left and right choose another account")
        await press(pilot, "ctrl+s")
        await shows(pilot, "move: none of them can go there")

        # when: a letter chooses the other
        await press(pilot, "s")

        await shows(pilot, "ctrl+s moves 1 to")
        assert "none of them" not in screen_text(pilot.app)


@SIZES
async def test_hostile_labels_obey_nothing(limited: Bench, size: tuple[int, int]) -> None:
    core = limited.core
    certificate = await stock.certificate(core, "shop.example.org")
    await stock.version(core, certificate)
    await core.context.db.write(
        lambda s: certificates.update(s, certificate.id, name=HOSTILE, profile=HOSTILE)
    )
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "M")
        await shows(pilot, "none of them can go there")

        assert not {"\x1b", "\x07"} & set(raw_text(pilot.app))


async def test_an_account_that_cannot_be_looked_at_is_told(
    shop: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(words: Sequence[str], account: str) -> Removal:
        raise Refused(f"account {account} is deactivated")

    async with opened(shop.core, "certificates") as pilot:
        await shows(pilot, "3 certificates")
        monkeypatch.setattr(shop.core.moves, "plan", refuse)
        await press(pilot, "M")
        text = await shows(pilot, "is deactivated")

        assert "looking what fits" not in text


async def test_of_many_over_our_own_count_it_asks_and_one_list_tells_what_came_of_all(
    shop: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: two of three are too many, unless somebody insists
    begin = shop.core.moves.start

    async def start(removal: Removal, *, force: bool = False) -> list[Outcome]:
        if force:
            return await begin(removal, force=True)
        first, *others = removal.moves
        begun = await begin(replace(removal, moves=(first,)))
        over = OverLimit("3 of 3 in 7 days")
        return [*begun, *(Outcome(certificate=each.certificate, error=over) for each in others)]

    monkeypatch.setattr(shop.core.moves, "start", start)
    async with opened(shop.core, "certificates") as pilot:
        await shows(pilot, "3 certificates")
        await press(pilot, "a", "M")
        await shows(pilot, "3 fit")
        await press(pilot, "ctrl+s")
        await shows(pilot, "MOVE 3 to ")

        # when
        await press(pilot, "y")
        await shows(pilot, "OVER THE LIMIT 2 requests")
        await press(pilot, "y")

        # then
        text = await shows(pilot, "3 moved", seconds=30)
        assert "failed" not in text
        await press(pilot, "escape")
        await shows(pilot, "move: 3 moved  (= lists each)")
