"""What ends after the screen was left, or while another lies on it: told, and nothing else goes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.core.errors import Refused
from kmtui.model import Certificate, ListQuery
from kmtui.screens.confirm import Confirm
from kmtui.screens.formpage import FormPage
from kmtui.screens.page import Page
from kmtui.screens.setuplist import ask_to_delete
from kmtui.widgets.fields import FieldSpec
from tests.paper import opened as on_paper
from tests.screens.shop import shop
from tests.screens.workbench import opened, press, press_all, shows, until
from tests.terminal import screen_lines, settled

__all__ = ["shop"]


class Thing(Page):
    CRUMBS = ("Thing",)


class SlowForm(FormPage):
    """Sends for as long as the test wants."""

    CRUMBS = ("Slow",)
    WHAT = "slow act"

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.free = asyncio.Event()
        self.sent = 0
        self.error = error

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(name="text", label="Text"),
            FieldSpec(name="secret", label="Secret", secret=True),
            FieldSpec(name="tick", label="Tick", kind="check"),
        ]

    async def ready(self) -> None:
        self.form.set_values({"text": "filled in"})

    async def send(self) -> str:
        self.sent += 1
        await self.free.wait()
        if self.error is not None:
            raise self.error
        return "it went well"


async def at_form(app: Any, pilot: Pilot[None], error: Exception | None = None) -> SlowForm:
    form = SlowForm(error)
    app.push_screen(form)
    await settled(pilot)
    return form


# --- what is typed --------------------------------------------------------------------------------


async def test_what_was_typed_is_lost_only_after_a_word() -> None:
    async with on_paper() as (app, pilot, page):
        form = await at_form(app, pilot)
        await pilot.press("x", "escape")
        await settled(pilot)
        assert app.screen is form
        assert screen_lines(app)[1].startswith("what was typed is not kept: esc once more leaves")

        # when / then: another key takes the word away, and it is asked anew
        await pilot.press("y")
        await settled(pilot)
        assert "esc once more" not in screen_lines(app)[1]
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is form
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is page


@pytest.mark.parametrize("keys", [(), ("tab", "x"), ("tab", "tab", "space")])
async def test_where_nothing_was_typed_esc_leaves_at_once(keys: tuple[str, ...]) -> None:
    """What was filled in, a secret, and what was ticked are no loss."""
    async with on_paper() as (app, pilot, page):
        await at_form(app, pilot)
        await pilot.press(*keys, "escape")
        await settled(pilot)

        assert app.screen is page


async def test_q_outside_a_field_asks_as_esc_does() -> None:
    async with on_paper() as (app, pilot, page):
        form = await at_form(app, pilot)
        await pilot.press("x", "tab", "tab", "q")
        await settled(pilot)
        assert app.screen is form
        await pilot.press("q")
        await settled(pilot)
        assert app.screen is page


# --- what is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["f1", "ctrl+p"])
async def test_what_was_opened_over_a_form_stays_and_the_form_leaves_after_it(key: str) -> None:
    async with on_paper() as (app, pilot, page):
        form = await at_form(app, pilot)
        await pilot.press("ctrl+s", key)
        await settled(pilot)
        above = app.screen
        assert above is not form

        # when
        form.free.set()
        await settled(pilot)

        # then
        assert app.screen is above
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is page, "the form stays")
        assert screen_lines(app)[1].startswith("it went well")
        assert form.sent == 1


async def test_what_is_sent_goes_on_without_the_form_and_is_told() -> None:
    async with on_paper() as (app, pilot, page):
        form = await at_form(app, pilot)
        await pilot.press("x", "ctrl+s", "escape")
        await settled(pilot)
        assert app.screen is page

        form.free.set()
        await settled(pilot)
        assert app.screen is page
        assert screen_lines(app)[1].startswith("it went well")


async def test_an_error_of_what_was_left_is_told_where_the_operator_is() -> None:
    async with on_paper() as (app, pilot, page):
        form = await at_form(app, pilot, Refused("the disk is full"))
        await pilot.press("ctrl+s", "escape", "2")
        await settled(pilot)
        form.free.set()
        await settled(pilot)

        assert app.screen is not page
        assert screen_lines(app)[1].startswith("slow act: the disk is full")


# --- questions and screens that come late ---------------------------------------------------------


async def test_the_end_of_a_deletion_takes_its_own_screen_away_and_no_other() -> None:
    async with on_paper() as (app, pilot, page):
        thing, above = Thing(), Thing()
        free = asyncio.Event()
        app.push_screen(thing)
        await settled(pilot)

        async def delete() -> None:
            await free.wait()

        ask_to_delete(thing, "it", "It goes.", delete, then=thing.action_back)
        await settled(pilot)
        await pilot.press("y")
        app.push_screen(above)
        await settled(pilot)

        # when
        free.set()
        await settled(pilot)

        # then
        assert app.screen is above
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is page, "the screen of what is gone stays")


async def test_a_deletion_that_ends_in_another_mode_leaves_that_alone() -> None:
    async with on_paper() as (app, pilot, page):
        thing = Thing()
        app.push_screen(thing)
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        elsewhere = app.screen

        thing.action_back()
        await settled(pilot)
        assert app.screen is elsewhere

        await pilot.press("1")
        await until(pilot, lambda: app.screen is page, "the screen of what is gone stays")


async def test_a_question_is_asked_once_and_not_of_somebody_who_went_elsewhere(
    core: Core, shop: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = asyncio.Event()
    get = core.certificates.get

    async def slow(word: str) -> Certificate:
        await free.wait()
        return await get(word)

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        monkeypatch.setattr(core.certificates, "get", slow)

        # when: pressed twice before the first could be answered
        await pilot.press("D", "D")
        free.set()
        await shows(pilot, "DELETE shop")
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, Confirm)

        # when: pressed, and gone
        free.clear()
        await pilot.press("D", "2")
        free.set()
        await settled(pilot)
        assert not isinstance(pilot.app.screen, Confirm)


async def test_esc_twice_keeps_one_draft_and_leaves_one_screen(core: Core) -> None:
    async with opened(core, "requests") as pilot:
        await press(pilot, "n")
        await shows(pilot, "Challenge")
        await press_all(pilot, "www.example.org")
        await pilot.press("escape", "escape")
        await shows(pilot, "1 draft ")
        await settled(pilot)

        drafts = await core.requests.count(ListQuery(now=core.context.clock()))
        assert drafts == 1
        assert pilot.app.screen is pilot.app.screen_stack[0]


@pytest.mark.parametrize(
    ("opens", "chooses"),
    [(("colon",), ("down", "enter")), (("question_mark", "slash"), ("enter", "enter"))],
)
async def test_what_is_chosen_in_the_palette_or_the_help_asks_as_its_key_does(
    core: Core, shop: Certificate, opens: tuple[str, ...], chooses: tuple[str, ...]
) -> None:
    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await pilot.press(*opens)
        await pilot.pause(0.4)
        await press_all(pilot, "remove from kmtui")
        await pilot.pause(0.4)
        await pilot.press(*chooses)

        await shows(pilot, "DELETE shop")
