"""What was cut off goes on: once, with its key and order, by whoever is alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import Session, col

from kmtui.core.core import Core
from kmtui.core.errors import Refused
from kmtui.db import cleanup, requests
from kmtui.db.tables import RequestRow
from kmtui.model import Request, RequestKind, RequestSpec, RequestStatus
from tests.core.conftest import Bench
from tests.core.test_issuance import published, txt_values

SPEC = RequestSpec(names=("api.kmtui.test",), account="practice")


@pytest.fixture
async def other(bench: Bench) -> AsyncIterator[Core]:
    """A second process on the same inventory: another owner, another connection."""
    core = await Core.open(bench.core.data, actor="other@here")
    await core.access.unlock_with_key_file(bench.core.data.parent / "vault.key")
    yield core
    await core.close(seconds=5)


async def slow_request(bench: Bench) -> Request:
    """A request that waits for a name server, its record published."""
    bench.sandbox.lag = 60
    request = await bench.core.requests.create(SPEC)
    await published(bench)
    return request


async def key_of(core: Core, request: Request) -> bytes:
    return await core.context.secrets.open(
        owner_table="request", owner_id=request.id, kind="certificate-key"
    )


async def test_what_a_closed_process_left_goes_on_in_the_next(bench: Bench, other: Core) -> None:
    # given: cut off while it waited
    request = await slow_request(bench)
    key = await key_of(bench.core, request)
    cut = await bench.core.requests.get(request.id)
    await bench.core.jobs.close(seconds=10)
    assert await txt_values(bench) == []
    bench.sandbox.lag = 0

    # when
    found = await other.recovery.run()
    await other.requests.wait(request.id, seconds=30)

    # then
    assert [each.id for each in found.requests] == [request.id]
    done = await other.requests.get(request.id)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert done.order_url == cut.order_url
    assert await key_of(other, done) == key
    again = await other.recovery.run()
    assert (again.requests, again.cleaned, again.left) == ((), 0, 0)


async def test_what_a_living_process_works_on_is_left_to_it(bench: Bench, other: Core) -> None:
    request = await slow_request(bench)

    found = await other.recovery.run()

    assert found.requests == ()
    for act in (other.requests.retry, other.requests.cancel, other.requests.park):
        with pytest.raises(Refused, match=r"process \d+ works on request 1"):
            await act(request.id)
    bench.sandbox.lag = 0
    await bench.core.requests.cancel(request.id)


async def test_a_process_that_lost_its_claim_writes_nothing_more_and_removes_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    # given: somebody took the request over, as after a death that was none
    request = await slow_request(bench)
    statement = (
        update(RequestRow)
        .where(col(RequestRow.id) == request.id)
        .values(attempt=RequestRow.attempt + 1, owner="1-0000000000000000")
    )
    await bench.core.context.db.write(lambda session: session.exec(statement))
    before = await bench.core.requests.log(request.id)

    # when
    bench.sandbox.lag = 0
    await bench.core.requests.wait(request.id, seconds=30)

    # then
    assert await bench.core.requests.log(request.id) == before
    assert len(await txt_values(bench)) == 1
    assert "was taken over" in caplog.text
    # and: the new owner is dead, so the work is free again
    await bench.core.recovery.run()
    await bench.core.requests.wait(request.id, seconds=30)
    done = await bench.core.requests.get(request.id)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert await txt_values(bench) == []


async def test_a_parked_request_waits_for_its_time(bench: Bench) -> None:
    request = await slow_request(bench)
    await bench.core.requests.park(request.id)

    found = await bench.core.recovery.run()

    assert found.requests == ()
    assert [each.id for each in found.waiting] == [request.id]


@pytest.mark.parametrize("order", ["gone", "invalid"])
async def test_an_order_that_is_lost_is_placed_anew_with_the_same_key(
    bench: Bench, order: str
) -> None:
    # given: cut off, and meanwhile the CA forgot the order or declared it invalid
    request = await slow_request(bench)
    key = await key_of(bench.core, request)
    await bench.core.jobs.close(seconds=10)
    bench.sandbox.lag = 0
    cut = await bench.core.requests.get(request.id)
    client = await bench.core.cas.client("sandbox")
    signer = await bench.core.accounts.signer(await bench.core.accounts.get("practice"))
    if order == "invalid":
        placed = await client.order(signer, cut.order_url or "")
        await client.deactivate_authorization(signer, placed.authorizations[0])
    else:
        lost = {"order_url": f"{(cut.order_url or '').rsplit('/', 1)[0]}/forgotten"}
        await bench.core.context.db.write(
            lambda session: requests.update(session, request.id, **lost)
        )

    # when
    await bench.core.recovery.run()
    await bench.core.requests.wait(request.id, seconds=30)

    # then
    done = await bench.core.requests.get(request.id)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert done.order_url not in (None, cut.order_url)
    assert await key_of(bench.core, done) == key
    lines = [line.text for line in await bench.core.requests.log(request.id)]
    assert any(line.startswith("ordering anew: the CA") for line in lines)


async def test_a_leftover_is_tried_again_at_its_time_and_by_hand_at_once(bench: Bench) -> None:
    # given: a record that could not be removed
    core = bench.core
    request = await slow_request(bench)
    account = await core.dns_accounts.get("lab")
    await _point(core, account.id, "127.0.0.1:9")
    await core.requests.cancel(request.id)
    (entry,) = await core.recovery.leftovers()
    assert entry.state == "failed"
    assert entry.next_attempt_at is not None
    assert timedelta(0) < entry.next_attempt_at - datetime.now(UTC) <= timedelta(seconds=70)
    await _point(core, account.id, bench.sandbox.dns_server)

    # when: it is not time yet
    assert (await core.recovery.run()).cleaned == 0
    # and: an operator does not want to wait
    found = await core.recovery.clean_up()

    assert (found.cleaned, found.left) == (1, 0)
    assert await txt_values(bench) == []


async def _point(core: Core, account_id: str, server: str) -> None:
    from kmtui.core.events import DnsAccountChanged
    from kmtui.db.tables import DnsAccountRow

    def store(session: Session) -> None:
        row = session.get(DnsAccountRow, account_id)
        assert row is not None
        row.settings = {**row.settings, "server": server}
        session.add(row)

    await core.context.db.write(store)
    core.bus.publish(DnsAccountChanged(account_id))


async def test_a_screen_takes_up_what_it_finds_when_the_vault_opens(
    bench: Bench, other: Core
) -> None:
    # given: unfinished work, and a screen with a locked vault
    request = await bench.core.requests.create(SPEC, start=False)
    other.access.lock()
    other.recovery.keep_looking()
    await asyncio.sleep(0.05)
    assert not other.requests.is_running(request.id)

    # when
    await other.access.unlock_with_key_file(bench.core.data.parent / "vault.key")

    # then
    async with asyncio.timeout(20):
        while not other.requests.is_running(request.id):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
        await other.requests.wait(request.id)
    assert (await other.requests.get(request.id)).status == RequestStatus.AVAILABLE


async def test_a_renewal_is_refused_when_another_process_was_faster(
    bench: Bench, other: Core
) -> None:
    # given: both saw that version 1 is due
    first = await bench.core.requests.create(SPEC)
    await bench.core.requests.wait(first.id, seconds=30)
    done = await other.requests.create(SPEC, kind=RequestKind.RENEW, after_version=1)
    await other.requests.wait(done.id, seconds=30)

    with pytest.raises(Refused, match=r"version 2 of api\.kmtui\.test was issued meanwhile"):
        await bench.core.requests.create(SPEC, kind=RequestKind.RENEW, after_version=1)


async def test_the_journal_does_not_note_one_answer_twice(bench: Bench, other: Core) -> None:
    request = await slow_request(bench)
    await bench.core.jobs.close(seconds=10)
    await other.recovery.run()
    await published(bench)
    bench.sandbox.lag = 0
    await other.requests.wait(request.id, seconds=30)

    assert await other.context.db.read(cleanup.count_pending) == 0


async def test_a_defect_ends_a_request_like_any_failure_and_is_reported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: kmtui itself stumbles in mid-order
    from kmtui.core.challenges.solvers import Solvers

    async def stumble(*_: object) -> None:
        raise ZeroDivisionError("secret-looking value")

    monkeypatch.setattr(Solvers, "present", stumble)
    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(repr(context["exception"]))
    )

    request = await bench.core.requests.create(SPEC)
    await bench.core.requests.wait(request.id, seconds=30)

    ended = await bench.core.requests.get(request.id)
    assert ended.status == RequestStatus.FAILED
    assert ended.problem is not None
    assert ended.problem.what == "kmtui itself failed (ZeroDivisionError)"
    assert len(reported) == 1
