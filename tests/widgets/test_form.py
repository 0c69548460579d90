"""Forms: what they give, say and keep."""

from __future__ import annotations

from kmtui.model import Field
from kmtui.widgets.fields import FieldSpec
from kmtui.widgets.form import Form
from tests.terminal import screen_text, settled
from tests.widgets.bench import piece, shown

FIELDS = (
    FieldSpec(name="names", label="Names", kind="lines", required=True, lines=2),
    FieldSpec(name="ca", label="CA", kind="choice", choices=("le", ("zs", "ZeroSSL")), help="Who"),
    FieldSpec(name="auto", label="Auto", kind="check", default="yes"),
    FieldSpec(name="token", label="Token", secret=True, required=True),
)


async def test_a_form_gives_what_was_typed_and_chosen() -> None:
    async with shown(lambda: Form(FIELDS)) as pilot:
        form = piece(pilot, Form)
        form.focus_field()
        await pilot.press(*"a.example.org", "enter", *"b", "tab", "right", "tab", "space", "tab")
        await pilot.press(*"hunter2")
        await pilot.pause()

        assert form.values == {
            "names": "a.example.org\nb",
            "ca": "zs",
            "auto": False,
            "token": "hunter2",
        }
        assert "hunter2" not in screen_text(pilot.app)
        assert "ZeroSSL" in screen_text(pilot.app)


async def test_a_form_that_is_taken_away_still_gives_what_was_typed() -> None:
    async with shown(lambda: Form(FIELDS)) as pilot:
        # given: a form that leaves one field out
        form = piece(pilot, Form)
        form.set_values({"names": "a.example.org"})
        form.show_field("auto", False)
        before = form.values

        await form.remove()

        assert form.values == before == {"names": "a.example.org", "ca": "le", "token": ""}


async def test_a_form_says_what_is_missing_where_it_is_missing() -> None:
    async with shown(lambda: Form(FIELDS)) as pilot:
        form = piece(pilot, Form)

        assert not form.complete()
        await pilot.pause()
        assert screen_text(pilot.app).count("is needed") == 2

        form.set_values({"names": "a.example.org", "token": "t"})
        assert form.complete()
        form.show_error("token", "the provider refused it")
        form.check([("1 name, DNS ok", "good")])
        await pilot.pause()
        assert "the provider refused it" in screen_text(pilot.app)
        assert "1 name, DNS ok" in screen_text(pilot.app)


async def test_other_fields_keep_what_was_typed() -> None:
    async with shown(lambda: Form(FIELDS)) as pilot:
        form = piece(pilot, Form)
        form.set_values({"token": "t"})
        stored = FieldSpec.of(
            Field(name="key", label="Key", secret=True, required=True), stored=True
        )
        await form.set_fields([FIELDS[3], stored])
        await settled(pilot)

        assert form.values == {"token": "t", "key": ""}
        assert form.complete()
        assert "stored; empty keeps it" in screen_text(pilot.app)


async def test_nothing_in_a_form_blinks() -> None:
    async with shown(lambda: Form(FIELDS)) as pilot:
        blinking = [
            widget
            for widget in pilot.app.screen.walk_children()
            if getattr(widget, "cursor_blink", False)
        ]

        assert blinking == []
