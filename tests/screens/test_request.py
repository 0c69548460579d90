"""One request on the screen: from the form to the saved version, and what a failure shows."""

from __future__ import annotations

from kmtui.core.core import Core
from kmtui.model import ChallengeChoice, RequestSpec, RequestStatus
from kmtui.screens.request import RequestScreen
from tests.core.conftest import Bench
from tests.screens.workbench import NARROW, WIDE, opened, press_all, shows
from tests.terminal import line_with, screen_text, settled


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
        text = await shows(pilot, "Available: version 1, s saves it", seconds=30)
        assert "#1 api.kmtui.test" in text
        assert "+ challenges" in text
        assert "valid" in line_with(pilot.app, "www.kmtui.test")

        # when
        await pilot.press("s")

        # then
        await shows(pilot, "Saved: version 1 of api.kmtui.test")
        assert (await bench.core.requests.get("1")).status == RequestStatus.SAVED
        assert (await bench.core.certificates.get("api.kmtui.test")).current_version == 1
