"""The weeks ahead: what expires, what renews, and whether it is too much at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from kmtui.core.core import FILE_NAME, Core
from kmtui.core.errors import InvalidInput
from kmtui.core.timeline import Week, monday
from kmtui.db import versions
from kmtui.db.database import Database
from kmtui.model import ListQuery
from tests.db.samples import DAY, Filled

WEEK = timedelta(days=7)


@pytest.fixture
async def filled(core: Core) -> AsyncIterator[Filled]:
    db = Database.open(core.data / FILE_NAME)
    yield Filled(db)
    await db.close()


def issued(filled: Filled, name: str, end: datetime, **fields: object) -> None:
    """A saved certificate of 90 days: renewed when 30 of them are left."""
    certificate = filled.certificate(name, names=(f"{name}.example.org",), **fields)
    version = {"not_before": end - 90 * DAY, "not_after": end}
    filled.version(certificate, saved=True, **version)


async def shown(core: Core, text: str) -> int:
    return await core.certificates.count(ListQuery(now=core.context.clock(), text=text))


async def test_each_week_counts_what_its_filters_show(core: Core, filled: Filled) -> None:
    # given
    first = monday(core.context.clock())
    issued(filled, "over", first - 3 * DAY)
    issued(filled, "edge", first + 5 * WEEK)
    issued(filled, "last-moment", first + 5 * WEEK + 6 * DAY + timedelta(hours=23))
    issued(filled, "by-hand", first + 5 * WEEK + DAY, auto_renew=False)
    issued(filled, "far", first + 80 * WEEK)
    filled.certificate("never-issued")
    revoked = filled.certificate("revoked")
    version = filled.version(revoked, saved=True, not_after=first + 5 * WEEK)
    await core.context.db.write(
        lambda session: versions.mark_revoked(session, version.id, first, "superseded")
    )

    # when
    weeks = await core.timeline.weeks(10)

    # then
    assert len(weeks) == 12
    assert (weeks[0].start, weeks[-1].end) == (None, None)
    assert [week.start for week in weeks[1:-1]] == [first + n * WEEK for n in range(10)]
    assert (weeks[0].expires, weeks[6].expires, weeks[-1].expires) == (1, 3, 1)
    assert [week.by_hand for week in weeks if week.by_hand] == [1]
    assert sum(week.expires for week in weeks) == 5
    assert sum(week.renews for week in weeks) == 4
    for week in weeks:
        assert await shown(core, week.expiring_filter) == week.expires
        assert await shown(core, week.renewing_filter) == week.renews


async def test_more_than_a_ca_takes_at_once_is_a_wave(core: Core, filled: Filled) -> None:
    # given: a CA with a limit per account, and more renewals in one week than it takes
    (authority, limit) = next(
        (each, limit)
        for each in await core.cas.all()
        for limit in each.rate_limits
        if limit.per == "account" and limit.what != "failure" and limit.most <= 400
    )
    account = filled.account("busy", ca=authority.name)
    end = monday(core.context.clock()) + 10 * WEEK + DAY
    for number in range(limit.most + 1):
        issued(filled, f"n{number}", end, account_id=account.id)

    # when
    waves = [week for week in await core.timeline.weeks(20) if week.wave]

    # then
    (wave,) = waves
    assert wave.renews == limit.most + 1
    assert wave.wave.startswith(f"{limit.most + 1} with one account at {authority.title}")


@pytest.mark.parametrize("count", [0, -1, 521])
async def test_a_senseless_number_of_weeks_is_refused(core: Core, count: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 520"):
        await core.timeline.weeks(count)


def test_a_week_begins_on_monday() -> None:
    assert monday(datetime(2026, 10, 4, 23, 59, tzinfo=UTC)) == datetime(2026, 9, 28, tzinfo=UTC)
    assert monday(datetime(2026, 10, 5, tzinfo=UTC)) == datetime(2026, 10, 5, tzinfo=UTC)


def test_what_is_later_or_before_has_a_filter_too() -> None:
    edge = datetime(2026, 10, 5, tzinfo=UTC)
    before = Week(start=None, end=edge, expires=1, unattended=0, renews=0)
    later = Week(start=edge, end=None, expires=1, unattended=0, renews=0)

    assert before.expiring_filter == "expires:..2026-10-04 !status:revoked"
    assert later.renewing_filter == "renews:2026-10-05..9998 renew:on"
