"""Which names lead where: seen in one list, and mapped where a request finds one missing."""

from __future__ import annotations

from kmtui.model import ChallengeChoice, RequestSpec
from kmtui.screens.new_request import NewRequestScreen
from tests.core.conftest import Bench
from tests.screens.workbench import WIDE, opened, press_all, shows
from tests.terminal import line_with


async def test_all_names_are_listed_with_where_they_lead(bench: Bench) -> None:
    # given: a certificate with a mapped name and one that chose its way by hand
    choice = ChallengeChoice(type="dns-01", dns_account="lab")
    for names in (("www.kmtui.test",), ("other.test",)):
        spec = RequestSpec(names=names, account="practice", choices={"": choice})
        await bench.core.requests.create(spec, start=False)

    async with opened(bench.core, size=WIDE) as pilot:
        # when
        await pilot.press("1", "m")

        # then
        await shows(pilot, "2 mappings")
        assert "1 unmapped" in await shows(pilot, "1 unmapped")
        assert "unmapped" in line_with(pilot.app, "other.test ")
        assert "listener" in line_with(pilot.app, " www.kmtui.test")
        assert "dns-01" in line_with(pilot.app, ".kmtui.test           ")


async def test_a_name_without_a_mapping_is_mapped_from_the_list(bench: Bench) -> None:
    choice = ChallengeChoice(type="dns-01", dns_account="lab")
    spec = RequestSpec(names=("other.test",), account="practice", choices={"": choice})
    await bench.core.requests.create(spec, start=False)
    async with opened(bench.core, size=WIDE) as pilot:
        await pilot.press("1", "m")
        await shows(pilot, "1 unmapped")

        # when: n on the name
        await pilot.press("n")
        await shows(pilot, "Lead to")
        await pilot.press("ctrl+s")

        # then
        await shows(pilot, "other.test leads to lab")
    assert {m.pattern for m in await bench.core.mappings.all()} >= {"other.test"}


async def test_a_request_for_an_unmapped_name_offers_to_map_it(bench: Bench) -> None:
    async with opened(bench.core, size=WIDE) as pilot:
        # given: a request for a name that nothing covers
        await pilot.app.push_screen(NewRequestScreen())
        await shows(pilot, "Names*")
        await press_all(pilot, "new.other.test")
        await shows(pilot, "nothing says how to prove control of it")

        # when: it is sent
        await pilot.press("ctrl+s")

        # then: the mapping comes first, filled in
        await shows(pilot, "map new.other.test first")
        await pilot.press("tab", "right", "ctrl+s")

        # and the request is as it was typed
        await shows(pilot, "new.other.test: http-01 through listener")
