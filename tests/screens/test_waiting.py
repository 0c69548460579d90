"""Requests that wait: why, since when, until when, and who works on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.core.owners import Owners
from kmtui.db import request_log, requests
from kmtui.model import Problem, Request, RequestKind, RequestStatus
from kmtui.screens.request import RequestScreen
from tests.db.samples import Filled
from tests.screens.workbench import NARROW, WIDE, opened, press, shows

NAME = "shop.example.org"
HOUR = timedelta(hours=1)
LIMITED = Problem(
    type="urn:ietf:params:acme:error:rateLimited",
    detail="Too many certificates",
    what="The CA's rate limit is reached.",
    hint="wait",
)


def parked(filled: Filled, until: datetime, since: datetime) -> Request:
    request = filled.request(
        NAME,
        status=RequestStatus.PARKED,
        step=LIMITED.what,
        problem=LIMITED,
        not_before=until,
        retries=3,
        created_at=since - HOUR,
        replaces="aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
    )
    filled.db.write_sync(
        lambda s: request_log.append(s, request.id, at=since, level="warn", text=LIMITED.what)
    )
    return request


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_parked_request_tells_why_since_and_until_when(
    core: Core, filled: Filled, size: tuple[int, int]
) -> None:
    now = datetime.now(UTC)
    until, since = now + HOUR, now - 2 * HOUR
    request = parked(filled, until, since)

    async with opened(core, "requests", size) as pilot:
        text = await shows(pilot, "1 parked")
        assert f"until {until:%H:%M} · r" in text
        assert "running" not in text

        await pilot.app.push_screen(RequestScreen(request.id))
        text = await shows(pilot, "% Parked since")
        assert f"% Parked since {since:%H:%M} until {until:%H:%M} UTC   r goes on now" in text
        assert "parked   for the 3rd time in a row" in text
        assert text.count(f"since {since:%H:%M}") == 1
        assert f"goes on  {until:%H:%M} by itself while kmtui runs, or with kmtui resume" in text
        assert "What     The CA's rate limit is reached." in text


async def test_what_set_a_request_aside_is_not_told_of_it_while_it_goes_on(
    core: Core, filled: Filled
) -> None:
    now = datetime.now(UTC)
    request = parked(filled, now - HOUR, now - 2 * HOUR)
    filled.db.write_sync(
        lambda s: requests.update(s, request.id, status=RequestStatus.VALIDATING, step="asked")
    )

    async with opened(core, "requests", WIDE) as pilot:
        text = await shows(pilot, "step")
        assert "rate limit" not in text

        await pilot.app.push_screen(RequestScreen(request.id))
        text = await shows(pilot, "validating")
        assert "What  " not in text


async def test_the_pane_of_the_list_tells_it_too(core: Core, filled: Filled) -> None:
    now = datetime.now(UTC)
    parked(filled, now + HOUR, now - 2 * HOUR)

    async with opened(core, "requests", WIDE) as pilot:
        text = await shows(pilot, f"parked   since {now - 2 * HOUR:%H:%M}")

    assert "replaces aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" in text
    assert "for the 3rd time" in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_another_process_works_on_is_left_to_it(
    core: Core, filled: Filled, tmp_path: Path, size: tuple[int, int]
) -> None:
    # given: a request that another living process holds
    other = Owners.open(tmp_path / "data")
    request = filled.request(NAME, status=RequestStatus.VALIDATING, owner=other.me)
    process = f"process {other.me.partition('-')[0]}"

    async with opened(core, "requests", size) as pilot:
        await shows(pilot, "1 running")
        for key, word in (("r", "retry"), ("c", "cancel")):
            assert f"{word}: {process} works on it" in await press(pilot, key)

        await pilot.app.push_screen(RequestScreen(request.id))
        await shows(pilot, f"held by  {process}, which works on it now")
        assert f"cancel: {process} works on it" in await press(pilot, "c")

        # when it has died, then the request is free
        other.close()
        await press(pilot, "ctrl+r")
        assert "held by" not in await press(pilot, "ctrl+r")


async def test_a_failed_renewal_tells_the_next_attempt(core: Core, filled: Filled) -> None:
    again = datetime.now(UTC) + HOUR
    certificate = filled.certificate(NAME)
    request = filled.request(
        NAME,
        certificate_id=certificate.id,
        kind=RequestKind.RENEW,
        status=RequestStatus.FAILED,
        problem=LIMITED,
        not_before=again,
    )

    async with opened(core, "requests") as pilot:
        await shows(pilot, f"next {again:%H:%M} · rateLimited")
        await pilot.app.push_screen(RequestScreen(request.id))
        await shows(pilot, f"next try {again:%H:%M} by kmtui renew --due; r retries now")
