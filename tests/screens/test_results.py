"""What became of each thing that was acted on together is listed, also while it goes on."""

from __future__ import annotations

import asyncio

import pytest
from textual.screen import Screen

from kmtui.core.errors import Refused
from kmtui.core.successors import Outcome
from kmtui.model import Problem
from kmtui.screens.error import ErrorScreen
from kmtui.screens.page import Page
from kmtui.screens.renewal_results import renewal_result
from kmtui.screens.results import Result, Results, ResultsScreen, show_results
from kmtui.widgets.rows import Row
from tests.db import samples
from tests.paper import HOSTILE, opened
from tests.terminal import line_with, raw_text, screen_lines, screen_text, settled

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)])
FORBIDDEN = {"\x1b", "\x07", "\u202e", "\x9b"}


class Thing(Page):
    CRUMBS = ("Thing",)


def refusal(name: str) -> Result:
    error = Refused(f"{name} is still served by web1", hint="take it from web1 first")
    return Result.of_error(name, error, "kept")


async def fine(why: str = "") -> str:
    return why


async def refused(why: str) -> str:
    raise Refused(why, hint="wait a little")


def some(title: str = "delete") -> Results:
    """Two went well, one did not."""
    results = Results(title, 3)
    results.add(Result(name="a.example.org", word="deleted", screen=lambda: Thing()))
    results.add(refusal("b.example.org"))
    results.add(Result(name="c.example.org", word="deleted"))
    return results


@SIZES
async def test_several_of_which_one_failed_are_listed_with_the_reason(
    size: tuple[int, int],
) -> None:
    async with opened(size=size) as (app, pilot, page):
        # when
        some().conclude(page)
        await settled(pilot)

        # then
        assert isinstance(app.screen, ResultsScreen)
        assert screen_lines(app)[1].startswith("2 deleted   1 kept")
        row = line_with(app, "x b.example.org").split()
        assert row[:4] == ["x", "b.example.org", "kept", "b.example.org"]

        # when: the cursor goes to the one that failed
        await pilot.press("j")
        await settled(pilot)
        assert "take it from web1 first" in " ".join(screen_text(app).split())

        # when / then: enter shows the error in full, at another row the thing itself
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, ErrorScreen)
        await pilot.press("escape", "k", "enter")
        await settled(pilot)
        assert isinstance(app.screen, Thing)
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert app.screen is page
        assert screen_lines(app)[1].startswith("delete: 2 deleted, 1 kept  (= lists each)")


async def test_several_that_went_well_are_told_in_one_line_and_listed_on_demand() -> None:
    async with opened() as (app, pilot, page):
        results = Results("delete", 2)
        for name in ("a", "b"):
            results.add(Result(name=name, word="deleted"))
        results.conclude(page)
        await settled(pilot)
        assert app.screen is page
        assert screen_lines(app)[1].startswith("delete: 2 deleted  (= lists each)")

        await pilot.press("equals_sign")
        await settled(pilot)
        assert isinstance(app.screen, ResultsScreen)
        assert "open: there is no more about a" in await _pressed(pilot, "enter")


async def test_one_alone_is_told_by_its_name_or_as_its_own_error() -> None:
    async with opened() as (app, pilot, page):
        good, bad = Results("delete", 1), Results("delete", 1)
        good.add(Result(name="shop", word="deleted", why="u brings it back"))
        good.conclude(page)
        assert page.status_line.said == "shop deleted: u brings it back"

        bad.add(refusal("shop"))
        with pytest.raises(Refused, match="still served"):
            bad.conclude(page)
        assert app.screen is page
        assert "nothing was done to several" in await _pressed(pilot, "equals_sign")


async def test_long_work_fills_the_list_and_goes_on_when_it_is_left() -> None:
    async with opened() as (app, pilot, page):
        # given: the first of three has ended
        results = Results("revoke", 3)
        show_results(page, results)
        await settled(pilot)
        assert "Nothing has ended yet." in screen_text(app)
        await results.follow("a.example.org", fine("superseded"), "revoked")
        await settled(pilot)
        assert screen_lines(app)[1].startswith("1 of 3   1 revoked")

        # when: it is left
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is page
        assert "revoke goes on, 1 of 3 so far: = shows it again" in screen_lines(app)[1]

        # then: it goes on, and = shows it again
        await results.follow("b.example.org", refused("the CA is away"), "revoked")
        await results.follow("c.example.org", fine(), "revoked")
        await pilot.press("equals_sign")
        await settled(pilot)
        assert screen_lines(app)[1].startswith("2 revoked   1 failed")
        assert "b.example.org" in line_with(app, "the CA is away")

        # then: the error of all is kept for !, a part for each that failed
        results.conclude(page)
        await pilot.press("exclamation_mark")
        await settled(pilot)
        assert "1 of 3 failed" in screen_text(app)
        assert "For    b.example.org" in screen_text(app)
        assert "the CA is away; wait a little" in screen_text(app)


async def test_an_operator_who_went_elsewhere_is_told_there_and_stays_there() -> None:
    async with opened() as (app, pilot, page):
        elsewhere: Screen[None] = Thing()
        await app.push_screen(elsewhere)
        some().conclude(page)
        await settled(pilot)

        assert app.screen is elsewhere
        assert "delete: 2 deleted, 1 kept  (= lists each)" in screen_lines(app)[1]


async def test_the_list_is_filtered_and_copied_as_it_is_shown() -> None:
    async with opened() as (app, pilot, page):
        some().conclude(page)
        await settled(pilot)
        await pilot.press("slash", *"status:failed", "enter")
        await settled(pilot)
        assert "a.example.org" not in screen_text(app)

        await pilot.press("y")
        assert app.clipboard == "b.example.org: kept: b.example.org is still served by web1"


@SIZES
async def test_hostile_names_and_words_are_only_shown(size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, pilot, page):
        results = Results("delete", 2)
        results.add(refusal(HOSTILE))
        results.add(Result(name=HOSTILE, word="deleted", why=HOSTILE))
        results.conclude(page)
        shown = ""
        for key in ("", "enter", "escape", "j", "enter", "escape", "escape"):
            if key:
                await pilot.press(key)
            await settled(pilot)
            assert not FORBIDDEN & set(raw_text(app))
            shown += raw_text(app)
        assert "[@click=app.quit]" in shown


async def _pressed(pilot: object, key: str) -> str:
    await pilot.press(key)  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    await settled(pilot)  # type: ignore[arg-type]
    return screen_text(pilot.app)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "problem", "word", "why"),
    [
        ("saved", None, "renewed", "v2 is current now"),
        ("available", None, "issued", "v2 waits: s saves it"),
        ("parked", Problem(type="x", detail="the CA is away"), "parked", "the CA is away"),
        ("failed", Problem(type="x", detail="no", what="it said no"), "failed", "it said no"),
        ("validating", None, "validating", "asking"),
        (None, None, "not started", "no account"),
    ],
)
def test_a_renewal_is_told_by_how_its_request_ended(
    status: str | None, problem: Problem | None, word: str, why: str
) -> None:
    shop = samples.certificate("shop")
    request = samples.request("shop", status=status, problem=problem, step="asking", version=2)
    outcome = (
        Outcome(certificate=shop, request=request)
        if status is not None
        else Outcome(certificate=shop, error=Refused("no account"))
    )

    result = renewal_result(outcome)

    assert (result.name, result.word, result.why) == ("shop", word, why)
    assert (result.error is not None) == (status in (None, "failed"))


async def test_hundreds_that_end_at_once_are_read_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = 0
    read = ResultsScreen._rows

    def counted(self: ResultsScreen) -> list[Row]:
        nonlocal reads
        reads += 1
        return read(self)

    monkeypatch.setattr(ResultsScreen, "_rows", counted)
    async with opened() as (app, pilot, page):
        results = Results("revoke", 500)
        show_results(page, results)
        await settled(pilot)
        for number in range(500):
            results.add(Result(name=f"n{number}", word="revoked"))
        await pilot.pause(0.2)
        await settled(pilot)

        assert screen_lines(app)[1].startswith("500 revoked")
        assert reads < 10


async def test_what_is_tried_once_more_is_under_way_again() -> None:
    async with opened() as (app, pilot, page):
        results = some()
        show_results(page, results)
        await settled(pilot)
        results.again(["b.example.org"])
        await pilot.pause(0.2)
        await settled(pilot)
        assert screen_lines(app)[1].startswith("2 of 3   2 deleted")
        assert not results.ended

        results.add(Result(name="b.example.org", word="deleted"))
        await pilot.pause(0.2)
        await settled(pilot)
        assert screen_lines(app)[1].startswith("3 deleted")
