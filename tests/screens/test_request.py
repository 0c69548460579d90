"""One request on the screen: from the form to the saved version, and what a failure shows."""

from __future__ import annotations

import re

from kmtui.core.core import Core
from kmtui.model import ChallengeChoice, RequestSpec, RequestStatus
from kmtui.screens.new_request import NewRequestScreen
from kmtui.screens.request import RequestScreen
from tests.core.conftest import Bench
from tests.screens.workbench import NARROW, WIDE, opened, press_all, shows
from tests.terminal import line_with, screen_text


async def test_a_request_goes_from_the_keyboard_to_a_saved_version(bench: Bench) -> None:
    async with opened(bench.core, size=WIDE) as pilot:
        # given: the form, opened from the empty list
        await shows(pilot, "No requests yet.")
        await pilot.press("n")
        await shows(pilot, "Names*")

        # when: two names are typed, one mapped to dns-01 and one to http-01, and sent
        await press_all(pilot, "api.kmtui.test, www.kmtui.test")
        await shows(pilot, "api.kmtui.test: dns-01 through lab")
        await shows(pilot, "www.kmtui.test: http-01 through listener")
        await pilot.press("ctrl+s")

        # then: the request shows its end by itself
        text = await shows(pilot, "Available: version 1, s saves it")
        assert "#1 api.kmtui.test" in text
        assert "+ challenges" in text
        assert "valid" in line_with(pilot.app, "www.kmtui.test")

        # when
        await pilot.press("s")

        # then
        await shows(pilot, "Saved: version 1 of api.kmtui.test")
        assert (await bench.core.requests.get("1")).status == RequestStatus.SAVED
        assert (await bench.core.certificates.get("api.kmtui.test")).current_version == 1


async def test_what_is_sent_before_it_was_checked_leaves_no_check_behind(bench: Bench) -> None:
    async with opened(bench.core, size=WIDE) as pilot:
        # given: a form whose check comes when the form was left
        await shows(pilot, "No requests yet.")
        await pilot.press("n")
        await shows(pilot, "Names*")
        form = pilot.app.screen
        assert isinstance(form, NewRequestScreen)
        await press_all(pilot, "api.kmtui.test")
        await pilot.press("ctrl+s")
        await shows(pilot, "#1 api.kmtui.test")

        # when
        form._check()

        # then
        await shows(pilot, "Available: version 1, s saves it")


async def test_what_the_dns_says_against_it_is_shown_before_it_is_sent(bench: Bench) -> None:
    choice = ChallengeChoice(type="dns-01", dns_account="lab")
    spec = RequestSpec(names=("a.other.test",), account="practice", choices={"": choice})
    async with opened(bench.core, size=WIDE) as pilot:
        # given: a name that is in no zone of the DNS account
        await pilot.app.push_screen(NewRequestScreen(spec))
        await shows(pilot, "x a.other.test")

        # when: it is sent all the same
        await pilot.press("ctrl+s")

        # then: a question comes first, and its usual answer sends nothing
        text = await shows(pilot, "THE DNS SAYS NO")
        assert "a.other.test is in none of the zones of this account" in " ".join(text.split())
        await pilot.press("escape")
        await shows(pilot, "x a.other.test")
        assert await bench.core.requests.counts() == {"total": 0}


async def failed(core: Core, *names: str) -> str:
    """A request that the CA refuses, because the first name is nowhere."""
    choice = ChallengeChoice(type="http-01", server="listener")
    spec = RequestSpec(names=names, account="practice", choices={"": choice})
    request = await core.requests.create(spec)
    await core.requests.wait(request.id, seconds=30)
    return request.id


async def test_a_failed_request_says_what_happened_and_what_to_do(bench: Bench) -> None:
    request_id = await failed(bench.core, "no.elsewhere.test")
    async with opened(bench.core, size=NARROW) as pilot:
        # when
        await pilot.app.push_screen(RequestScreen(request_id))

        # then: What, Next and Said stand right there
        text = await shows(pilot, "x Failed")
        assert "What     The CA could not look up the name in DNS" in text
        assert "Next     check that the record exists" in text
        assert "Said     urn:ietf:params:acme:error:dns" in text
        assert "x challenges 0 of 1" in text

        # and: the key ! shows all of this request's problem
        await pilot.press("exclamation_mark")
        await shows(pilot, "Where  http://127.0.0.1:")


async def test_r_retries_as_it_is_and_the_screen_follows(bench: Bench) -> None:
    request_id = await failed(bench.core, "no.elsewhere.test")
    async with opened(bench.core) as pilot:
        await pilot.app.push_screen(RequestScreen(request_id))
        await shows(pilot, "x Failed")

        await pilot.press("r")

        await shows(pilot, "Requests > #2 no.elsewhere.test")
        await shows(pilot, "x Failed")
        again = await bench.core.requests.get("2")
        assert again.retry_of == request_id


async def test_a_failed_request_is_corrected_without_typing_it_again(bench: Bench) -> None:
    request_id = await failed(bench.core, "no.elsewhere.test", "www.kmtui.test")
    async with opened(bench.core) as pilot:
        await pilot.app.push_screen(RequestScreen(request_id))
        await shows(pilot, "x Failed")

        # when: the wrong name, on the first line of the filled form, is cleared
        await pilot.press("E")
        await shows(pilot, "< http-01 >")
        await pilot.press("ctrl+home", *["delete"] * len("no.elsewhere.test"))
        await shows(pilot, "+ 1 name")
        await pilot.press("ctrl+s")

        # then
        await shows(pilot, "Available: version 1, s saves it")
        corrected = await bench.core.requests.get("2")
        assert corrected.names == ("www.kmtui.test",)


async def test_a_key_that_can_do_nothing_says_why(bench: Bench) -> None:
    request_id = await failed(bench.core, "no.elsewhere.test")
    async with opened(bench.core) as pilot:
        await pilot.app.push_screen(RequestScreen(request_id))
        await shows(pilot, "x Failed")

        await pilot.press("s")
        await shows(pilot, "save: no version of it waits to be saved")

        bench.core.access.lock()
        await pilot.press("r")
        await shows(pilot, "retry: vault is locked: L unlocks")


async def test_the_pane_shows_the_record_and_who_sees_it(bench: Bench) -> None:
    async with opened(bench.core, size=WIDE) as pilot:
        spec = RequestSpec(names=("api.kmtui.test",), account="practice")
        request = await bench.core.requests.create(spec)
        await pilot.app.push_screen(RequestScreen(request.id))
        await shows(pilot, "Available")

        text = screen_text(pilot.app)
        assert "name   _acme-challenge.api.kmtui.test" in text
        assert re.search(r"\+ +ns1\.kmtui\.test 127\.0\.0\.1:\d+ +seen", text)

        # and: l shows the whole log
        await pilot.press("l")
        assert "everything published was removed" in await shows(pilot, "> log")
