"""The sheet of an account says how far its CA's limits are used up, and when one is free again."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from kmtui.core import ledger
from kmtui.core.core import Core
from tests.db.samples import Filled
from tests.screens.shop import SIZES, flat
from tests.screens.workbench import opened, press, shows


@SIZES
async def test_limits_in_use_are_told_with_the_time_of_the_next(
    core: Core, filled: Filled, size: tuple[int, int]
) -> None:
    account = filled.account("main", ca="letsencrypt")
    now = core.context.clock()
    await ledger.prepare()

    def store(session: Session) -> None:
        ledger.ordered(session, at=now, ca="letsencrypt", account_id=account.id, request_id="r")
        for number in range(50):
            ledger.issued(
                session,
                at=now - timedelta(days=6),
                ca="letsencrypt",
                names=[f"h{number}.example.org"],
                request_id="r",
            )

    await core.context.db.write(store)

    async with opened(core, "accounts", size) as pilot:
        await shows(pilot, "main")
        await press(pilot, "enter")

        text = flat(await shows(pilot, "1 order for this account in 3 hours, of 300"))

        free = now + timedelta(days=1)
        assert "50 certificates for example.org in 7 days, of 50; free again" in text
        assert f"{free:%Y-%m-%d %H:%M}" in text
