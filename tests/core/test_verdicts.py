"""Verdicts on a part of the inventory: they say what those on all of it say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from kmtui.core.core import Core
from kmtui.core.errors import NotFound
from kmtui.db import certificates, requests
from kmtui.model import Certificate
from tests.core.test_renewal import fill, make_due
from tests.db import samples


@pytest.fixture
async def rows(core: Core) -> list[Certificate]:
    """Of six certificates: one early, one due, one due and off, one that failed a moment ago, one
    whose next attempt was cancelled since, one archived."""
    await core.cas.add("away", directory_url="https://127.0.0.1:9/directory")
    await fill(core, 6)
    found = [await core.certificates.get(f"n{number:04}.example.org") for number in range(6)]
    for row in found[1:]:
        await make_due(core, row)
    later = core.context.clock() + timedelta(minutes=10)

    def store(session: Session) -> None:
        certificates.update(session, found[2].id, auto_renew=False)
        for row, *ends in ((found[3], "failed"), (found[4], "failed", "cancelled")):
            fields = {"certificate_id": row.id, "kind": "renew", "not_before": later}
            for end in ends:
                requests.insert(session, samples.request(*row.names, status=end, **fields))
        certificates.archive(session, found[5].id, later)

    await core.context.db.write(store)
    return found


async def test_candidates_are_those_whose_time_has_come(
    core: Core, rows: list[Certificate]
) -> None:
    found = {each.certificate: each.blocked or each.due for each in await core.renewal.candidates()}

    assert found == {
        "n0001.example.org": True,
        "n0003.example.org": "retry-later",
        "n0004.example.org": "retry-later",
    }


async def test_some_are_judged_in_the_order_asked(core: Core, rows: list[Certificate]) -> None:
    asked = [rows[at].id for at in (4, 5, 0)]

    found = await core.renewal.verdicts_of([*asked, "gone"])

    assert [each.certificate_id for each in found] == [asked[0], asked[2]]


async def test_every_way_to_ask_gets_the_same_verdict(core: Core, rows: list[Certificate]) -> None:
    everything = {each.certificate_id: each for each in await core.renewal.verdicts()}

    assert everything.keys() == {row.id for row in rows[:5]}
    for verdict in (
        *await core.renewal.candidates(),
        *await core.renewal.verdicts_of([row.id for row in rows]),
        *[await core.renewal.verdict(row.name) for row in rows[:5]],
    ):
        assert verdict == everything[verdict.certificate_id]


async def test_one_that_is_not_there_is_not_judged(core: Core) -> None:
    with pytest.raises(NotFound):
        await core.renewal.verdict("nothing.example.org")
