"""An account is given up at its CA: for ever, once it surely happened, and visibly."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from kmtui.core.errors import AcmeError, CaUnreachable, Refused, ResponseLost
from kmtui.model import Account, RequestStatus
from tests.core.accounts.conftest import Record
from tests.core.acme.fake_ca import FakeCa, Lost, problem
from tests.torture.edge_cases.conftest import Desk


async def stored(desk: Desk) -> Account:
    return await desk.core.accounts.get("ops")


async def path_of(desk: Desk) -> str:
    return httpx.URL((await stored(desk)).account_url or "").path


async def test_a_deactivated_account_stays_to_be_seen_and_asks_for_nothing(
    desk: Desk, ca: FakeCa, record: Record
) -> None:
    account = await desk.core.accounts.deactivate("ops")

    assert account.status == "deactivated"
    assert [each["status"] for each in ca.accounts.values()] == ["deactivated"]
    assert await record() == [("deactivate", "started"), ("deactivate", "ok")]
    for act in (
        desk.obtain("www.example.org"),
        desk.core.accounts.deactivate("ops"),
        desk.core.accounts.roll_key("ops"),
        desk.core.accounts.update("ops", email="x@example.org"),
    ):
        with pytest.raises(Refused, match="ops is deactivated"):
            await act


async def test_what_renews_with_it_renews_no_more_and_says_why(desk: Desk) -> None:
    request = await desk.obtain("www.example.org")
    await desk.core.certificates.save(request.certificate_id or "")
    assert await desk.core.accounts.renewing("ops") == ["www.example.org"]

    await desk.core.accounts.deactivate("ops")

    desk.wall.ahead += timedelta(days=89)
    verdict = await desk.core.renewal.verdict("www.example.org")
    assert (verdict.blocked, verdict.due) == ("obstacle", False)
    assert "its account ops is deactivated" in verdict.why


async def test_a_refusal_leaves_it_valid(desk: Desk, ca: FakeCa, record: Record) -> None:
    ca.script[await path_of(desk)].append(problem(403, "unauthorized", "not from here"))

    with pytest.raises(AcmeError):
        await desk.core.accounts.deactivate("ops")

    assert (await stored(desk)).status == "valid"
    assert await record() == [("deactivate", "started"), ("deactivate", "failed")]


async def test_a_ca_that_is_away_leaves_it_valid(desk: Desk, ca: FakeCa) -> None:
    ca.script[await path_of(desk)].extend([httpx.ConnectError("refused")] * 9)

    with pytest.raises(CaUnreachable):
        await desk.core.accounts.deactivate("ops")

    assert (await stored(desk)).status == "valid"


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_lost_answer_is_asked_for_again_at_the_next_start(
    desk: Desk, ca: FakeCa, carried_out: bool
) -> None:
    # given
    path = await path_of(desk)
    ca.script[path].append(Lost() if carried_out else httpx.ReadError("reset"))
    with pytest.raises(ResponseLost):
        await desk.core.accounts.deactivate("ops")
    assert (await stored(desk)).status == "deactivating"
    with pytest.raises(Refused, match="ops is deactivating"):
        await desk.obtain("www.example.org")

    # when: a CA refuses what comes from a deactivated account
    if carried_out:
        ca.script[path].append(problem(401, "unauthorized", "Account is deactivated"))
    found = await desk.restart()

    # then
    assert [each.account.status for each in found.accounts] == ["deactivated"]
    assert (await stored(desk)).status == "deactivated"


async def test_a_request_under_way_is_named(desk: Desk, ca: FakeCa) -> None:
    ca.script["/new-order"].append(problem(503, "serverInternal", "later", Retry_After="9999"))
    request = await desk.obtain("www.example.org")
    assert request.status == RequestStatus.PARKED

    with pytest.raises(Refused, match=f"request {request.number} of the account ops"):
        await desk.core.accounts.deactivate("ops")

    assert (await stored(desk)).status == "valid"
    await desk.core.requests.cancel(request.id)
    assert (await desk.core.accounts.deactivate("ops")).status == "deactivated"


async def test_a_key_that_was_being_replaced_is_settled_first(desk: Desk, ca: FakeCa) -> None:
    ca.script["/key-change"].append(Lost())
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.roll_key("ops")

    account = await desk.core.accounts.deactivate("ops")

    assert (account.status, account.key_changing) == ("deactivated", False)
