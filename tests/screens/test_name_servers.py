"""The Request screen while name servers differ: what each of them shows is told as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.challenges import dns01
from kmtui.core.challenges.propagation import Propagation
from kmtui.core.core import Core
from kmtui.screens.request import RequestScreen
from tests.screens.name_servers import NAME, ZONE, Lab, running
from tests.screens.workbench import WIDE, opened, shows, until
from tests.terminal import screen_lines


@pytest.fixture
async def lab(core: Core, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    """Looks at name servers are soon over, and soon repeated."""
    quick = partial(Propagation, patience=0.3, interval=(0.05, 0.2))
    monkeypatch.setattr(dns01, "Propagation", quick)
    async with running(core) as lab:
        yield lab


def pane(pilot: Pilot[Any]) -> str:
    """The pane of the challenge under the cursor, its lines put together."""
    lines = screen_lines(pilot.app)
    row = next(i for i, line in enumerate(lines) if f"{ZONE}  dns-01" in line)
    column = lines[row].index(f"{ZONE}  dns-01")
    return " ".join(" ".join(line[column:] for line in lines[row:]).split())


async def pane_shows(pilot: Pilot[Any], text: str) -> str:
    """Wait until the pane shows a text; the whole pane as it is then."""
    await shows(pilot, f"{ZONE}  dns-01")
    await until(pilot, lambda: text in pane(pilot), f"{text!r} is not in the pane")
    return pane(pilot)


async def test_each_name_server_is_told_as_it_is_and_the_late_one_is_waited_for(lab: Lab) -> None:
    # given: one has the record at once, one is late, one is dead, and one answers whole by TCP only
    prompt, late, dead, truncating = lab.servers
    lab.serve()
    lab.feed(prompt, truncating)
    dead.silent = truncating.truncate = True
    request = await lab.request()
    async with opened(lab.core, size=WIDE) as pilot:
        # when
        await pilot.app.push_screen(RequestScreen(request.id))

        # then
        text = await pane_shows(pilot, f"x {lab.address(3)} no answer: timeout")
        assert f"+ {lab.address(1)} seen" in text
        assert f". {lab.address(2)} not yet: NXDOMAIN" in text
        assert f"+ {lab.address(4)} seen" in text

        # when
        lab.feed(late)

        # then: the dead one is passed over, and said to be
        await shows(pilot, "Available: version 1, s saves it")
        assert f"{NAME}: seen by 3 of 4 name servers" in await lab.log(request)

    assert ("tcp", NAME, "TXT") in truncating.asked
    assert lab.vendor.txt(NAME) == []


async def test_an_internal_resolver_that_knows_nothing_of_the_record_does_not_matter(
    lab: Lab,
) -> None:
    lab.serve()
    lab.feed(*lab.servers)
    request = await lab.request()
    async with opened(lab.core, size=WIDE) as pilot:
        await pilot.app.push_screen(RequestScreen(request.id))

        await shows(pilot, "Available: version 1, s saves it")

    assert NAME not in {name for _, name, _ in lab.resolver.asked}, "it would remember NXDOMAIN"


async def test_a_resolver_that_remembers_an_early_question_is_told_where_it_is_asked(
    lab: Lab,
) -> None:
    # given: the operator wants the resolvers to be asked, and one of them has another view
    lab.serve()
    lab.feed(*lab.servers)
    request = await lab.request(propagation="recursive", propagation_timeout="1")
    async with opened(lab.core, size=WIDE) as pilot:
        await pilot.app.push_screen(RequestScreen(request.id))

        text = await shows(pilot, "x Failed")
        assert "cannot be seen where the CA will look" in " ".join(text.split())
        text = await pane_shows(pilot, f". resolver {lab.resolver.endpoint} not yet: NXDOMAIN")
        assert f"+ resolver {lab.servers[0].endpoint} seen" in text


async def test_an_alias_by_a_wildcard_is_not_followed(lab: Lab) -> None:
    lab.serve("* CNAME web.elsewhere.test.")
    lab.feed(*lab.servers)
    request = await lab.request()
    async with opened(lab.core, size=WIDE) as pilot:
        await pilot.app.push_screen(RequestScreen(request.id))

        await shows(pilot, "Available: version 1, s saves it")
        assert f"name {NAME}" in pane(pilot)
        (said,) = [line for line in await lab.log(request) if "wildcard" in line]
        assert said == f"{NAME} is an alias by a wildcard only; it is not followed"


async def test_a_loop_of_aliases_is_shown_whole_with_what_to_do(lab: Lab) -> None:
    lab.serve("_acme-challenge CNAME round.example.test.", f"round CNAME {NAME}.")
    request = await lab.request()
    async with opened(lab.core, size=WIDE) as pilot:
        await pilot.app.push_screen(RequestScreen(request.id))

        text = " ".join((await shows(pilot, "x Failed")).split())
        assert f"{NAME} -> round.{ZONE} -> {NAME} is a loop of aliases" in text
        assert "Next correct the CNAME records, or set a fixed alias on the mapping" in text
    assert lab.vendor.writes == 0
