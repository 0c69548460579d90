"""Fields that few need stand behind one line, and secrets show nothing but that they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form
from tests.terminal import screen_text, settled

KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"
FIELDS = (
    FieldSpec(name="zone", label="Zone"),
    FieldSpec(name="ttl", label="TTL", default="60", folded=True),
    FieldSpec(name="secret", label="Second secret", secret=True, folded=True),
    FieldSpec(name="identity", label="Key", secret=True, file=True),
)


class Bench(App[None]):
    def compose(self) -> ComposeResult:
        yield Form(FIELDS)


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[Pilot[None], Form]]:
    async with Bench().run_test(size=(80, 14)) as pilot:
        form = pilot.app.query_one(Form)
        form.focus_field()
        await settled(pilot)
        yield pilot, form


async def test_what_few_need_is_behind_a_line_and_keeps_its_values() -> None:
    async with shown() as (pilot, form):
        # given
        assert "+ 2 more: TTL, Second secret" in screen_text(pilot.app)
        assert form.values["ttl"] == "60"

        # when
        await pilot.press("tab", "tab", "enter")
        await settled(pilot)

        # then
        assert "- 2 more" in screen_text(pilot.app)
        await pilot.press("tab", "end", "0")
        await pilot.press("shift+tab", "left")
        await settled(pilot)
        assert "+ 2 more: TTL 600, Second secret" in screen_text(pilot.app)
        assert form.values["ttl"] == "600"


async def test_a_secret_behind_the_line_is_told_by_its_label_alone() -> None:
    async with shown() as (pilot, form):
        form.set_values({"secret": "hunter2"})
        await settled(pilot)

        text = screen_text(pilot.app)
        assert "+ 2 more: Second secret, TTL" in text
        assert "hunter2" not in text


async def test_an_error_behind_the_line_opens_it() -> None:
    async with shown() as (pilot, form):
        form.show_error("ttl", "is no number")
        await settled(pilot)

        assert "is no number" in screen_text(pilot.app)
        await pilot.press("home", "7")
        assert form.values["ttl"] == "760"


async def test_other_fields_do_not_close_it() -> None:
    async with shown() as (pilot, form):
        await pilot.press("tab", "tab", "right")
        await form.set_fields(FIELDS[:2])
        await settled(pilot)

        assert "- 1 more" in screen_text(pilot.app)
        assert "TTL          60" in screen_text(pilot.app)


@pytest.mark.parametrize(
    ("name", "pasted", "kept"),
    [("identity", KEY, KEY.strip()), ("secret", "correct horse\r\n", "correct horse")],
)
async def test_a_pasted_secret_is_taken_whole_and_echoed_never(
    name: str, pasted: str, kept: str
) -> None:
    async with shown() as (pilot, form):
        form.focus_field(name)
        await settled(pilot)

        assert pilot.app.focused is not None
        pilot.app.focused.post_message(events.Paste(pasted))
        await settled(pilot)

        assert form.values[name] == kept
        assert kept.splitlines()[0] not in screen_text(pilot.app)
        assert "•••" in screen_text(pilot.app)


async def test_the_path_of_a_file_is_echoed_and_nothing_else() -> None:
    async with shown() as (pilot, form):
        form.focus_field("identity")
        await pilot.press("slash", "k")
        await settled(pilot)
        assert "Key          /k" in screen_text(pilot.app)

        await pilot.press("home", "x")
        await settled(pilot)
        assert "/k" not in screen_text(pilot.app)
        assert form.values["identity"] == "x/k"
