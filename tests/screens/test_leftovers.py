"""What was left behind: counted on every screen, listed on its own, removed by key."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from kmtui.core.core import Core
from kmtui.db import cleanup
from kmtui.model import CleanupEntry, RequestStatus
from tests.core.conftest import Bench
from tests.db.samples import Filled
from tests.screens.workbench import NARROW, WIDE, opened, press, shows

FQDN = "_acme-challenge.www.kmtui.test"


async def leave(
    core: Core, filled: Filled, *, status: str = RequestStatus.FAILED, state: str = "failed"
) -> None:
    """A TXT record of a request with that status."""
    accounts = await core.dns_accounts.all()
    request = filled.request("www.kmtui.test", status=status)
    entry = CleanupEntry(
        id=str(uuid.uuid4()),
        request_id=request.id,
        kind="dns-01",
        dns_account_id=accounts[0].id if accounts else None,
        server_id=None,
        name=FQDN,
        value="a-value-that-was-published",
        handle={
            "zone_id": "kmtui.test",
            "zone_name": "kmtui.test",
            "fqdn": FQDN,
            "value": "a-value-that-was-published",
            "record_id": None,
        },
        state=state,
        created_at=datetime.now(UTC) - timedelta(hours=3),
        attempts=4,
        next_attempt_at=datetime.now(UTC) + timedelta(hours=1),
        last_error="SERVFAIL [/b]\x1b[31m",
    )
    filled.db.write_sync(lambda session: cleanup.insert(session, entry))


async def test_leftovers_are_counted_listed_and_removed(bench: Bench, filled: Filled) -> None:
    await leave(bench.core, filled)

    async with opened(bench.core, "accounts", NARROW) as pilot:
        # given: every screen counts them
        await shows(pilot, "leftovers: 1 C")

        # when, then: C lists them
        await press(pilot, "C")
        text = await shows(pilot, "kmtui  Leftovers")
        assert FQDN in text
        assert "SERVFAIL" in text

        # and: r tries again now
        await press(pilot, "r")
        await shows(pilot, "1 leftover removed, nothing is left behind")
        assert "Nothing is left behind" in await press(pilot, "r")

        # and: enter is off, esc leads back
        await press(pilot, "escape")
        await shows(pilot, "3 Accounts")
    assert await bench.core.requests.leftovers() == 0


async def test_the_pane_tells_all_of_one(core: Core, filled: Filled) -> None:
    await leave(core, filled)

    async with opened(core, "certificates", WIDE) as pilot:
        await press(pilot, "C")
        text = await shows(pilot, "TXT record of a dns-01 challenge")

        assert "a-value-that-was-published" in text
        assert "tried    4 times" in text
        assert "why      SERVFAIL [/b]" in text
        await press(pilot, "enter")
        await shows(pilot, "Requests > #1")


async def test_what_a_request_under_way_published_is_no_leftover(
    core: Core, filled: Filled
) -> None:
    await leave(core, filled, status=RequestStatus.VALIDATING, state="presented")

    async with opened(core, "certificates") as pilot:
        await press(pilot, "C")
        assert "Nothing is left behind" in await shows(pilot, "kmtui  Leftovers")
