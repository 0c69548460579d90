"""The list of requests and the form: drafts, bad input, an empty inventory."""

from __future__ import annotations

from datetime import UTC, datetime

from kmtui.core.core import Core
from kmtui.model import ListQuery, Request, RequestSpec
from kmtui.screens.request_words import names_in_short
from tests.core.conftest import Bench
from tests.screens.workbench import opened, press_all, shows
from tests.terminal import settled


async def test_an_empty_list_says_which_key_fills_it(core: Core) -> None:
    async with opened(core) as pilot:
        text = await shows(pilot, "No requests yet.")

        assert "n   requests a certificate" in text


async def test_without_an_account_the_form_says_where_to_get_one(core: Core) -> None:
    async with opened(core) as pilot:
        await pilot.press("n")

        await shows(pilot, "No valid account yet: esc, then 3 n registers one.")


async def test_leaving_the_form_keeps_a_draft_that_is_taken_up_again(bench: Bench) -> None:
    async with opened(bench.core) as pilot:
        # given
        await pilot.press("n")
        await shows(pilot, "Names*")
        await press_all(pilot, "www.kmtui.test")

        # when
        await pilot.press("escape")

        # then: it is kept and said
        await shows(pilot, "kept as draft #1")
        draft = await bench.core.requests.get("1")
        assert (draft.status, draft.names) == ("draft", ("www.kmtui.test",))

        # and: sent from the form it is a draft no more
        await shows(pilot, "not sent yet")
        await pilot.press("enter")
        await shows(pilot, "www.kmtui.test: http-01 through listener")
        await pilot.press("ctrl+s")
        await shows(pilot, "Available")
        assert [row.number for row in await all_requests(bench.core)] == [2]


async def test_an_untouched_draft_stays_as_it_is(bench: Bench) -> None:
    await bench.core.requests.draft(RequestSpec(names=("a.kmtui.test",), account="practice"))
    async with opened(bench.core) as pilot:
        await shows(pilot, "a.kmtui.test")
        await pilot.press("enter")
        await shows(pilot, "a.kmtui.test: dns-01 through lab")

        await pilot.press("escape")

        await shows(pilot, "not sent yet")
        assert [row.number for row in await all_requests(bench.core)] == [1]


async def test_the_list_opens_the_log_and_the_form_of_a_row(bench: Bench) -> None:
    await bench.core.requests.draft(RequestSpec(names=("a.kmtui.test",), account="practice"))
    async with opened(bench.core) as pilot:
        await shows(pilot, "a.kmtui.test")

        await pilot.press("l")
        await shows(pilot, "#1 a.kmtui.test > log")
        await pilot.press("escape")
        await shows(pilot, "not sent yet")
        await pilot.press("E")
        await shows(pilot, "Requests > new request")


async def test_bad_input_is_said_at_its_field_and_stays(bench: Bench) -> None:
    async with opened(bench.core) as pilot:
        await pilot.press("n")
        await shows(pilot, "Names*")
        await press_all(pilot, "www.kmtui.test -wrong")
        await shows(pilot, "1 to correct")

        await pilot.press("ctrl+s")
        await settled(pilot)

        text = await shows(pilot, "“-wrong” is not a valid name")
        assert "www.kmtui.test -wrong" in text
        assert await all_requests(bench.core) == []


async def test_a_draft_is_dropped_after_a_question(bench: Bench) -> None:
    await bench.core.requests.draft(RequestSpec(names=("a.kmtui.test",), account="practice"))
    async with opened(bench.core) as pilot:
        await shows(pilot, "a.kmtui.test")

        await pilot.press("D")
        await shows(pilot, "DROP this draft")
        await pilot.press("y")

        await shows(pilot, "No requests yet.")
        assert await all_requests(bench.core) == []


async def test_names_are_shown_in_short(bench: Bench) -> None:
    spec = RequestSpec(names=("a.kmtui.test", "b.kmtui.test"), account="practice")

    assert names_in_short(await bench.core.requests.draft(spec)) == "a.kmtui.test +1"


async def all_requests(core: Core) -> list[Request]:
    return list(await core.requests.page(ListQuery(now=datetime.now(UTC))))
