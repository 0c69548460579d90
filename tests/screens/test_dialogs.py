"""Help, palette, error screen and questions."""

from __future__ import annotations

from typing import Any

from textual.command import CommandPalette
from textual.widgets import Input

from kmtui.model import Problem
from kmtui.screens.confirm import Confirm, StrongConfirm
from kmtui.screens.error import ErrorScreen
from kmtui.screens.help import HelpScreen
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form
from tests.paper import HOSTILE, opened
from tests.terminal import raw_text, screen_lines, screen_text, settled

# --- help, palette, errors ------------------------------------------------------------------------


async def test_help_shows_this_screens_keys_first_and_runs_one() -> None:
    async with opened() as (app, pilot, screen):
        await pilot.press("question_mark")
        await settled(pilot)
        assert isinstance(app.screen, HelpScreen)
        assert screen_lines(app)[3].split()[:2] == ["n", "new"]
        assert "(revoke: already revoked)" in screen_text(app)

        await pilot.press("slash", *"renew", "enter")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert app.screen is screen
        assert screen.renewed == ["k0"]


async def test_the_palette_offers_the_same_words_and_no_screenshot() -> None:
    async with opened() as (app, pilot, screen):
        await pilot.press("colon")
        await pilot.pause(0.3)
        assert isinstance(app.screen, CommandPalette)
        assert "screenshot" not in screen_text(app).lower()
        await pilot.press(*"renew the")
        await pilot.pause(0.3)
        assert "renew: Renew the row" in screen_text(app)
        await pilot.press("down", "enter")
        await pilot.pause(0.3)
        await settled(pilot)

    assert screen.renewed == ["k0"]


async def test_an_error_is_said_and_kept_for_the_error_key() -> None:
    async with opened() as (app, pilot, screen):
        screen.action_deploy()
        await settled(pilot)
        assert screen_lines(app)[1].startswith("deploy: no target x�]52")

        await pilot.press("exclamation_mark")
        await settled(pilot)
        assert isinstance(app.screen, ErrorScreen)
        assert "add one first" in screen_text(app)
        assert not set(raw_text(app)) & {"\x1b", "\x07", "\u202e", "\x9b"}
        await pilot.press("escape")
        assert app.screen is screen


async def test_the_error_screen_tells_what_next_said_where() -> None:
    problem = Problem(
        type="urn:ietf:params:acme:error:dns", detail=HOSTILE, what="No record was found.",
        hint="Look at the zone.", where="order 88", http_status=400,
    )  # fmt: skip
    async with opened() as (app, pilot, _):
        app.push_screen(ErrorScreen("renew shop", problem))
        await settled(pilot)
        labels = [line.split()[0] for line in screen_lines(app)[1:-2] if line and line[0] != " "]

        assert labels == ["What", "Next", "Said", "Where"]
        await pilot.press("y")
        assert "No record was found." in app.clipboard


# --- questions ------------------------------------------------------------------------------------


async def test_a_panel_does_it_only_with_y() -> None:
    answers: list[Any] = []
    async with opened() as (app, pilot, _):
        for key in ("n", "escape", "enter", "y"):
            app.push_screen(Confirm(f"DELETE {HOSTILE}", HOSTILE), answers.append)
            await settled(pilot)
            assert "[/foo]" in screen_text(app)
            await pilot.press(key)
            await settled(pilot)
            if key == "enter":
                await pilot.press("escape")

    assert answers == [False, False, False, True]


async def test_the_strong_panel_needs_the_name() -> None:
    answers: list[Any] = []
    reason = FieldSpec(
        name="reason", label="Reason", kind="choice", choices=("superseded", "keyCompromise")
    )
    async with opened() as (app, pilot, _):
        panel = StrongConfirm(
            "REVOKE shop", "There is no undo.", expected="shop", verb="revoke", fields=[reason]
        )
        app.push_screen(panel, answers.append)
        await settled(pilot)
        assert isinstance(app.focused, Input)
        await pilot.press(*"sho", "enter")
        assert answers == []
        assert "off until it matches" in screen_text(app)

        await pilot.press("p")
        panel.query_one(Form).set_values({"reason": "keyCompromise"})
        await pilot.press("enter")
        await settled(pilot)

    assert answers == [{"reason": "keyCompromise"}]


async def test_a_long_name_that_is_to_be_typed_is_shown_in_full() -> None:
    name = ".".join(["a" * 60, "b" * 60, "example.org"])
    async with opened() as (app, pilot, _):
        app.push_screen(StrongConfirm(f"PURGE {name}", "It goes.", expected=name, verb="purge"))
        await settled(pilot)

        assert name in "".join(screen_text(app).replace("│", "").split())


async def test_a_long_question_keeps_its_answers() -> None:
    async with opened() as (app, pilot, screen):
        screen.ask(f"{'shop.' * 20}example.org: due. Renew now?", lambda: None)
        await settled(pilot)

        assert screen_lines(app)[-3].endswith("  y yes  n no")
