"""Revoking from the screens, by keys: what is asked, what the CA is told, and what came of each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kmtui.core.core import Core
from kmtui.core.sandbox import certificates as practice
from kmtui.db import versions
from kmtui.model import Certificate, RevocationReason
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued
from tests.screens.shop import SIZES, flat, shop
from tests.screens.workbench import opened, press, press_all, shows
from tests.terminal import line_with, screen_text

__all__ = ["shop"]

NAME = "www.kmtui.test"
Size = tuple[int, int]


async def at_ca(bench: Bench, number: int = 1, name: str = NAME) -> int | None:
    """The reason for which the CA has revoked a version; None while it has not."""
    version = await bench.core.certificates.version(name, number)
    return bench.sandbox._state.issued[version.serial].revocation_reason


@SIZES
async def test_it_tells_what_it_means_and_needs_the_name(bench: Bench, size: Size) -> None:
    await issued(bench)
    version = await bench.core.certificates.version(NAME, 1)
    async with opened(bench.core, "certificates", size) as pilot:
        await shows(pilot, NAME)

        # when
        await press(pilot, "X")

        # then: object, version, where it is, consequence, undo; enter is dead
        text = flat(await shows(pilot, f"REVOKE {NAME} v1"))
        assert f"until {version.not_after:%Y-%m-%d} (89d), the version in use" in text
        assert "none has it, as far as kmtui knows" in text
        assert "There is no undo: the CA publishes the revocation." in text
        assert "superseded: another version took its place" in text
        assert "off until it matches" in await press(pilot, "enter")
        assert await at_ca(bench) is None

        # when: the name is typed
        await press_all(pilot, NAME)
        await press(pilot, "enter")

        # then
        await shows(pilot, f"{NAME} v1 revoked: superseded, signed by account practice")
        await shows(pilot, "# www.kmtui.test")
    assert await at_ca(bench) == 4


async def test_esc_keeps_it(bench: Bench) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, NAME)
        await press(pilot, "X")
        await shows(pilot, "REVOKE")
        await press_all(pilot, NAME)
        await press(pilot, "escape")
        await shows(pilot, "1 certificate")
    assert await at_ca(bench) is None


async def test_a_compromised_key_is_said_to_be_blocked_and_may_sign_itself(bench: Bench) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, NAME)
        await press(pilot, "enter")
        await shows(pilot, "Versions 1")
        await press(pilot, "X")
        await shows(pilot, f"REVOKE {NAME} v1")

        # when: from the name back to the reason, and to whose key signs
        await press(pilot, "shift+tab", "shift+tab", "c", "shift+tab", "k")
        text = flat(screen_text(pilot.app))
        assert "keyCompromise: somebody else may have the key" in text
        assert "Its key is blocked: no certificate is ever asked for with it again." in text
        await press(pilot, "tab", "tab", "tab")
        await press_all(pilot, NAME)
        await press(pilot, "enter")

        # then
        await shows(pilot, f"{NAME} v1 revoked: keyCompromise, signed by certificate key")
        await shows(pilot, "# v1")
        assert "revoke: v1 is revoked already, as compromised" in await press(pilot, "X")
    assert await at_ca(bench) == 1


async def test_what_was_revoked_for_another_reason_can_be_told_to_be_compromised(
    bench: Bench,
) -> None:
    await issued(bench)
    await bench.core.revocation.revoke(NAME, reason=RevocationReason.SUPERSEDED)
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "# www.kmtui.test")
        await press(pilot, "X")
        text = flat(await shows(pilot, "REVOKE"))
        assert "(superseded): that its key is compromised can be added" in text
        assert "keyCompromise: somebody else may have the key" in text
        assert "renew first" not in text


@SIZES
async def test_a_reason_that_the_ca_refuses_is_asked_for_again_with_its_words(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, size: Size
) -> None:
    monkeypatch.setattr(practice, "REASONS", (0, 1))
    await issued(bench)
    async with opened(bench.core, "certificates", size) as pilot:
        await shows(pilot, NAME)
        await press(pilot, "X")
        await press_all(pilot, NAME)
        await press(pilot, "enter")

        # then: the question again, with the reasons that are allowed, and what was typed
        text = flat(await shows(pilot, "refused"))
        assert f"REVOKE {NAME} v1" in text
        assert "Reasons are (0, 1), not 4" in text
        assert "use unspecified, keyCompromise, superseded or cessationOfOperation" in text
        assert "superseded is not accepted here" in text

        # when
        await press(pilot, "u", "enter")

        # then
        await shows(pilot, f"{NAME} v1 revoked: unspecified")
    assert await at_ca(bench) == 0


@SIZES
async def test_renewing_first_leaves_a_successor_in_force(bench: Bench, size: Size) -> None:
    await issued(bench)
    async with opened(bench.core, "certificates", size) as pilot:
        await shows(pilot, NAME)
        await press(pilot, "X")
        await shows(pilot, "renew first, then revoke")
        await press(pilot, "shift+tab", "space")
        assert "A successor is issued, saved and deployed first" in screen_text(pilot.app)
        await press(pilot, "tab")
        await press_all(pilot, NAME)
        await press(pilot, "enter")

        await shows(pilot, f"{NAME} v1 revoked: v2 took its place; superseded", seconds=30)
        assert "valid" in line_with(pilot.app, "+ www.kmtui.test")
    assert (await at_ca(bench, 1), await at_ca(bench, 2)) == (4, None)


@SIZES
async def test_marked_ones_are_revoked_by_their_number_and_each_is_listed(
    bench: Bench, size: Size
) -> None:
    # given: two that the CA knows, one of an unknown CA, one that was never issued
    for name in (NAME, "b.kmtui.test"):
        await issued(bench, name)
    await stock.version(bench.core, await stock.certificate(bench.core, "other.example.org"))
    await stock.certificate(bench.core, "none.example.org")
    async with opened(bench.core, "certificates", size) as pilot:
        await shows(pilot, "4 certificates")
        await press(pilot, "a", "slash", *"kmtui.test", "enter")

        # when
        await press(pilot, "X")

        # then
        text = flat(await shows(pilot, "REVOKE 3 certificates"))
        assert "nothing to revoke: none.example.org" in text
        assert "2 of them by the filter" in text
        assert "off until it matches" in await press(pilot, "2", "enter")
        await press(pilot, "backspace", "3", "enter")

        # then: each with what became of it
        await shows(pilot, "Results > revoke")
        await shows(pilot, "2 revoked   1 failed")
        assert "+ www.kmtui.test v1" in screen_text(pilot.app)
        assert "nothing here tells" in line_with(pilot.app, "x other.example.org v1")
    assert (await at_ca(bench), await at_ca(bench, name="b.kmtui.test")) == (4, 4)


async def test_marks_that_stay_are_told_where_one_alone_can_be_revoked(
    core: Core, shop: Certificate
) -> None:
    await stock.certificate(core, "none.example.org")
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "a", "X")

        text = flat(await shows(pilot, "REVOKE shop v2"))
        assert "nothing to revoke: none.example.org" in text


async def test_where_nothing_tells_who_issued_it_the_ca_is_asked_for(
    bench: Bench, shop: Certificate
) -> None:
    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "X")
        await press_all(pilot, "shop")
        await press(pilot, "enter")

        text = flat(await shows(pilot, "refused"))
        assert "nothing here tells which CA issued version 2 of shop" in text
        assert "CA < sandbox" in text


async def test_what_expired_or_was_never_issued_is_not_revoked(
    core: Core, shop: Certificate
) -> None:
    await stock.certificate(core, "none.example.org")
    newest = await core.certificates.version("shop", 2)
    old = datetime(2020, 1, 1, tzinfo=UTC)
    await core.context.db.write(
        lambda session: versions.mark_revoked(session, newest.id, old, "keyCompromise")
    )
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "slash", *"none", "enter")
        await shows(pilot, "none.example.org")
        said = await press(pilot, "X")
        assert "revoke: no version of none.example.org was issued yet" in said
        await press(pilot, "escape", "slash", *"shop", "enter")
        await shows(pilot, "shop")
        await press(pilot, "X")
        await shows(pilot, "revoke: v2 is revoked already, as compromised")
