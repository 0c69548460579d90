"""The App: first paint, events, looks, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kmtui import theme
from kmtui.app import FRAME
from kmtui.config import Options
from kmtui.core.errors import DatabaseError
from kmtui.core.events import CertificateChanged, RequestChanged
from kmtui.lastwords import crash_report, refusal
from kmtui.screens.feed import TICK
from kmtui.screens.messages import Changed
from kmtui.widgets.rows import Row
from tests.paper import HOSTILE, PaperApp, PaperCore, opened
from tests.terminal import screen_lines, screen_text, settled

# --- first paint and the core ---------------------------------------------------------------------


async def test_the_screen_is_drawn_before_the_core_is_there() -> None:
    gate = asyncio.Event()

    async def load() -> Any:
        await gate.wait()
        return PaperCore()

    app = PaperApp(Options(data=Path("unused"), theme="dark"), load)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        assert "1 Certificates" in screen_text(app)
        assert "reading…" in screen_text(app)

        gate.set()
        await settled(pilot)
        assert "n0.example.org" in screen_text(app)


async def test_a_list_screen_has_title_counts_rows_jobs_and_keys() -> None:
    async with opened() as (app, _, _):
        lines = screen_lines(app)

        assert lines[0].endswith("RW")
        assert lines[1].split() == ["214", "names", "1", "of", "214"]
        assert lines[2].split() == ["NAME", "STATUS"]
        assert lines[-2] == "jobs idle"
        assert lines[-1] == "? help ⏎ open r renew X revoke / filter q quit"
        assert sum("example.org" in line for line in lines) >= 18


async def test_a_wide_terminal_shows_the_pane_and_who() -> None:
    async with opened(size=(120, 40)) as (app, _, _):
        assert screen_lines(app)[0].endswith("ops@host1 RW")
        assert "name     n0.example.org" in screen_text(app)


async def test_a_frame_follows_another_sooner_than_textual_would_paint_it() -> None:
    async with opened() as (_, _, screen):
        assert screen._update_timer._interval == FRAME  # Private, and pinned with Textual.


async def test_an_inventory_that_cannot_be_opened_ends_with_its_words_and_code() -> None:
    error = DatabaseError(f"newer schema {HOSTILE}", hint="update kmtui")

    async with opened(error) as (app, _, _):
        pass

    assert app.return_code == 6
    assert "newer schema x�]52" in refusal(error)
    assert refusal(error).endswith("update kmtui")


async def test_the_core_is_closed_after_the_screen() -> None:
    core = PaperCore()

    async with opened(core) as (_, pilot, _):
        await pilot.press("q")
        await pilot.pause()

    assert core.closed


# --- events ---------------------------------------------------------------------------------------


async def test_many_events_reach_the_screen_as_one_message() -> None:
    core = PaperCore()
    async with opened(core) as (_, pilot, screen):
        for number in range(1000):
            core.bus.publish(CertificateChanged(f"k{number % 20}"), RequestChanged("r"))
        await pilot.pause(TICK * 2)
        await settled(pilot)

        assert [len(message.events) for message in screen.heard] == [21]


async def test_a_change_is_seen_in_the_row_and_the_vault_in_the_title() -> None:
    core = PaperCore()
    async with opened(core) as (app, pilot, _):
        core.rows[1] = Row("k1", (("n1.example.org", ""), ("expired", "bad")), "expired")
        core.access.mode = "LOCKED"
        core.bus.publish(CertificateChanged("k1"))
        await pilot.pause(TICK * 2)
        await settled(pilot)

        assert "expired" in screen_text(app)
        assert screen_lines(app)[0].endswith("LOCKED")


async def test_keys_and_further_changes_come_while_a_screen_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as (_, pilot, screen):
        heard: list[set[str]] = []
        read = asyncio.Event()

        async def slow(message: Changed) -> None:
            heard.append({event.id for event in message.events})
            await read.wait()

        monkeypatch.setattr(screen, "changed", slow)
        for changed in "abc":
            screen.post_message(Changed((CertificateChanged(changed),)))
            await pilot.pause()

        await pilot.press("j")
        assert screen.table.cursor == 1
        assert heard == [{"a"}]

        read.set()
        await settled(pilot)
        assert heard == [{"a"}, {"b", "c"}]


async def test_what_changed_and_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as (app, pilot, screen):

        async def refuse(message: Changed) -> None:
            raise DatabaseError("the disk is gone")

        monkeypatch.setattr(screen, "changed", refuse)
        screen.post_message(Changed())
        await settled(pilot)

        assert "reading what changed: the disk is gone" in screen_text(app)


async def test_a_screen_that_was_away_reads_again_when_it_is_shown() -> None:
    core = PaperCore()
    async with opened(core) as (app, pilot, _):
        await pilot.press("2", "j", "j", "1")
        await settled(pilot)
        core.rows[0] = Row("k0", (("renamed.example.org", ""), ("valid", "good")), "valid")
        core.bus.publish(CertificateChanged("k0"))
        await pilot.pause(TICK * 2)
        await pilot.press("2")
        await settled(pilot)

        assert "renamed.example.org" in screen_text(app)
        assert app.screen.table.position == "3 of 214"  # type: ignore[attr-defined]


# --- looks and crashes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "true_color", "no_color", "expected"),
    [
        ("auto", True, False, theme.DARK),
        ("auto", False, False, theme.ANSI),
        ("light", False, False, theme.LIGHT),
        ("dark", True, True, theme.ANSI),
    ],
)
def test_the_theme_follows_the_terminal_and_the_setting(
    setting: str, true_color: bool, no_color: bool, expected: str
) -> None:
    assert theme.choose(setting, true_color=true_color, no_color=no_color) == expected


@pytest.mark.parametrize("name", ["dark", "light", "ansi"])
async def test_every_theme_draws(name: str) -> None:
    async with opened(theme=name) as (app, _, _):
        assert app.theme == theme.NAMES[name]
        assert "n0.example.org" in screen_text(app)


async def test_ascii_mode_sends_ascii_only() -> None:
    async with opened() as (app, pilot, _):
        app.keep_to_ascii()
        await pilot.resize_terminal(90, 24)
        await settled(pilot)

        assert "enter open" in screen_text(app)


def test_a_crash_report_holds_no_values() -> None:
    def fail() -> None:
        passphrase = "hunter2-canary"  # noqa: F841
        raise ValueError(f"bad {HOSTILE}")

    try:
        fail()
    except ValueError as error:
        report = crash_report(error)

    assert "ValueError: bad x�]52" in report
    assert "fail" in report
    assert "hunter2-canary" not in report


async def test_a_defect_ends_the_program_with_a_report() -> None:
    async def defect() -> None:
        raise ZeroDivisionError("oh")

    async def run_with_a_defect() -> None:
        async with opened() as (app, pilot, _):
            app.start(defect(), lambda error: None)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await run_with_a_defect()
