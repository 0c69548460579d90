"""The key of an account is replaced, and never in doubt for long, whatever is cut off."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kmtui.core import keys
from kmtui.core.acme import thumbprint
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, CaUnreachable, InvalidInput, Refused
from kmtui.core.keys import PrivateKey
from kmtui.core.locks import FileLock
from kmtui.db import accounts as rows
from kmtui.model import Account, Alert, RequestSpec, RequestStatus
from tests.core.accounts.conftest import Record
from tests.core.acme.fake_ca import FakeCa, Lost, Step, problem
from tests.torture.edge_cases.conftest import Desk


async def stored(desk: Desk) -> Account:
    return await desk.core.accounts.get("ops")


async def has_secret(core: Core, kind: str) -> bool:
    account = await core.accounts.get("ops")
    found = await core.context.db.read(
        lambda session: rows.secrets.find(session, rows.OWNER, account.id, kind)
    )
    return found is not None


async def candidate(desk: Desk) -> PrivateKey:
    """The key that is to replace the account's."""
    pem = await desk.core.context.secrets.open(
        owner_table=rows.OWNER, owner_id=(await stored(desk)).id, kind=rows.NEXT_KEY
    )
    return keys.load_private_key(pem)


async def alerts(desk: Desk) -> list[Alert]:
    return await desk.core.alerts.all(within=timedelta(days=1))


async def test_the_account_keeps_its_url_and_gets_another_key(desk: Desk, record: Record) -> None:
    before = await stored(desk)
    assert (await desk.obtain("a.example.org")).status == RequestStatus.AVAILABLE

    after = await desk.core.accounts.roll_key("ops")

    assert (after.account_url, after.status) == (before.account_url, "valid")
    assert after.key_type == before.key_type == "ec256"
    assert after.key_thumbprint == thumbprint(await desk.core.accounts.key(after))
    assert after.key_thumbprint != before.key_thumbprint
    assert not after.key_changing
    assert not await has_secret(desk.core, rows.NEXT_KEY)
    assert await record() == [("roll-key", "started"), ("roll-key", "ok")]
    assert (await desk.obtain("b.example.org")).status == RequestStatus.AVAILABLE


async def test_the_new_key_may_be_of_another_type(desk: Desk) -> None:
    assert (await desk.core.accounts.roll_key("ops", key_type="ec384")).key_type == "ec384"
    with pytest.raises(InvalidInput, match="dsa"):
        await desk.core.accounts.roll_key("ops", key_type="dsa")
    assert (await desk.core.accounts.roll_key("ops")).key_type == "ec384"


async def test_a_refused_change_leaves_the_old_key(desk: Desk, ca: FakeCa, record: Record) -> None:
    before = await stored(desk)
    ca.script["/key-change"].append(problem(403, "badPublicKey", "no such curve"))

    with pytest.raises(AcmeError, match="public key"):
        await desk.core.accounts.roll_key("ops")

    assert await stored(desk) == before
    assert not await has_secret(desk.core, rows.NEXT_KEY)
    assert await record() == [("roll-key", "started"), ("roll-key", "failed")]


async def test_a_ca_that_cannot_says_so_and_one_known_for_it_is_not_asked(
    desk: Desk, ca: FakeCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca.script["/key-change"].append(problem(501, "rejectedIdentifier", "not implemented"))
    with pytest.raises(AcmeError, match="does not offer"):
        await desk.core.accounts.roll_key("ops")
    assert not (await stored(desk)).key_changing

    # a CA of the catalogue
    zerossl = await desk.core.cas.get("zerossl")
    assert zerossl.key_rollover is False

    async def get(_: str) -> object:
        return zerossl

    monkeypatch.setattr(desk.core.cas, "get", get)
    with pytest.raises(Refused, match="does not let an account change its key"):
        await desk.core.accounts.roll_key("ops")


APPLIED: list[Step] = [Lost()]
NOT_APPLIED: list[Step] = [httpx.ReadError("reset")]


@pytest.mark.edge(29)
@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_is_settled_at_the_next_start(
    desk: Desk, ca: FakeCa, record: Record, applied: bool
) -> None:
    # given: the answer is lost, and the CA is gone before it can be asked for the key
    before = await stored(desk)
    ca.script["/key-change"].extend(APPLIED if applied else NOT_APPLIED)
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable) as caught:
        await desk.core.accounts.roll_key("ops")
    assert "kmtui resume" in caught.value.hint
    assert (await stored(desk)).key_changing
    assert (await stored(desk)).key_thumbprint == before.key_thumbprint
    assert [alert.what for alert in await alerts(desk)] == ["unfinished"]
    new = await candidate(desk)

    # when
    asked = len(ca.payloads)
    found = await desk.restart()

    # then
    after = await stored(desk)
    assert [(each.account.id, each.error) for each in found.accounts] == [(before.id, None)]
    assert (after.key_thumbprint, after.key_changing) == (thumbprint(new), False)
    assert after.account_url == before.account_url
    assert [path for path, _ in ca.payloads[asked:]] == (
        ["/new-account"] if applied else ["/new-account", "/new-account", "/key-change"]
    )
    assert await record() == [
        ("roll-key", "started"),
        ("roll-key", "failed"),
        ("roll-key", "ok"),
    ]
    assert (await desk.obtain("www.example.org")).status == RequestStatus.AVAILABLE
    assert (await desk.restart()).accounts == ()
    assert await alerts(desk) == []


async def test_while_the_ca_is_away_it_is_asked_after_growing_pauses(
    desk: Desk, ca: FakeCa
) -> None:
    ca.script["/key-change"].append(Lost())
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 12)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.roll_key("ops")
    (cut_off,) = (await desk.core.recovery.run()).accounts
    assert isinstance(cut_off.error, CaUnreachable)
    asked = len(ca.requests)

    assert (await desk.core.recovery.run()).accounts == ()
    assert len(ca.requests) == asked
    desk.wall.ahead += timedelta(minutes=2)
    (taken_up,) = (await desk.core.recovery.run()).accounts
    assert taken_up.error is None


async def test_a_request_settles_the_key_first(desk: Desk, ca: FakeCa) -> None:
    # given: a parked request, whose account's key was being replaced when the process died
    ca.script["/new-order"].append(problem(503, "serverInternal", "later", Retry_After="9999"))
    request = await desk.obtain("www.example.org")
    assert request.status == RequestStatus.PARKED, request.problem
    ca.script["/key-change"].append(Lost())
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.roll_key("ops")

    # when
    await desk.core.requests.retry(request.id)
    request = await desk.core.requests.wait(request.id, seconds=20)

    # then
    assert request.status == RequestStatus.AVAILABLE, request.problem
    assert not (await stored(desk)).key_changing


async def test_no_request_begins_while_the_key_is_being_replaced(desk: Desk, ca: FakeCa) -> None:
    ca.script["/key-change"].append(Lost())
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.roll_key("ops")

    with pytest.raises(Refused, match="key of the account ops is being replaced"):
        await desk.obtain("www.example.org")


async def test_the_key_stays_while_a_request_is_under_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    client = await desk.core.cas.client("fake")
    new_order = client.new_order

    async def slow(*arguments: Any, **more: Any) -> Any:
        asked.set()
        await go_on.wait()
        return await new_order(*arguments, **more)

    monkeypatch.setattr(client, "new_order", slow)
    spec = RequestSpec(names=("www.example.org",), account="ops")
    request = await desk.core.requests.create(spec)
    await asked.wait()

    with pytest.raises(Refused, match=f"request {request.number} of the account ops"):
        await desk.core.accounts.roll_key("ops")

    go_on.set()
    done = await desk.core.requests.wait(request.id, seconds=20)
    assert done.status == RequestStatus.AVAILABLE
    assert not (await stored(desk)).key_changing


async def test_an_account_lost_by_the_ca_keeps_both_keys(desk: Desk, ca: FakeCa) -> None:
    ca.script["/key-change"].append(Lost())
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.roll_key("ops")
    ca.accounts.clear()
    ca.keys.clear()

    with pytest.raises(Refused, match="neither its old nor its new key"):
        await desk.core.accounts.roll_key("ops")

    assert await has_secret(desk.core, rows.KEY)
    assert await has_secret(desk.core, rows.NEXT_KEY)


async def test_an_account_ended_elsewhere_meanwhile_is_shown_as_ended(
    desk: Desk, ca: FakeCa
) -> None:
    ca.script["/key-change"].append(httpx.ReadError("reset"))
    ca.script["/new-account"].extend([httpx.ConnectError("refused")] * 6)
    with pytest.raises(CaUnreachable):
        await desk.core.accounts.roll_key("ops")
    ca.script["/new-account"].append(problem(400, "accountDoesNotExist", "who?"))
    ca.script["/new-account"].append(problem(403, "unauthorized", "it is deactivated"))

    (taken_up,) = (await desk.restart()).accounts

    assert (taken_up.account.status, taken_up.error) == ("deactivated", None)
    assert (await desk.restart()).accounts == ()
    assert await alerts(desk) == []
    with pytest.raises(Refused, match="ops is deactivated"):
        await desk.obtain("www.example.org")


async def test_two_processes_do_not_replace_it_at_once(
    desk: Desk, ca: FakeCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmtui.core.account_book.LOCK_PATIENCE", 0.0)
    account = await stored(desk)
    lock = FileLock.take(desk.core.context.owners.directory / f"account-{account.id}.lock")
    assert lock is not None

    with lock, pytest.raises(AcmeError, match="by another process"):
        await desk.core.accounts.roll_key("ops")

    assert ca.count("/key-change") == 0
    assert (await desk.core.accounts.roll_key("ops")).key_thumbprint != account.key_thumbprint


async def test_another_process_signs_with_the_new_key_within_a_second(desk: Desk) -> None:
    other = await Core.open(desk.data, actor="other@here", clock=desk.wall)
    try:
        await other.access.unlock_with_key_file(desk.data.parent / "vault.key")
        before = await desk.core.accounts.signer(await stored(desk))

        rolled = await other.accounts.roll_key("ops")

        account = await desk.core.accounts.get("ops")
        after = await desk.core.accounts.signer(account)
        assert thumbprint(after.key) == rolled.key_thumbprint
        assert after != before
    finally:
        await other.close(seconds=5)
