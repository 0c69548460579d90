"""Changed terms: agreed to once, as they were shown, and everything that waited goes on."""

from __future__ import annotations

import httpx
import pytest

from kmtui.core.errors import AcmeError, Refused
from kmtui.model import Request, RequestStatus
from tests.core.accounts.conftest import Record
from tests.core.acme.fake_ca import FakeCa, problem
from tests.torture.edge_cases.conftest import Desk

OLD, NEW = "https://ca.test/terms/1", "https://ca.test/terms/2"
LINK = "https://ca.test/agree/7"


def wanted() -> httpx.Response:
    """The refusal of RFC 8555 section 7.3.3."""
    return httpx.Response(
        403,
        json={
            "type": "urn:ietf:params:acme:error:userActionRequired",
            "detail": "the terms have changed",
            "instance": LINK,
        },
    )


async def stopped(desk: Desk, ca: FakeCa, *names: str) -> list[Request]:
    """A request for each name, refused because the terms have changed."""
    ca.meta = {"termsOfService": NEW}
    found = []
    for name in names:
        ca.script["/new-order"].append(wanted())
        found.append(await desk.obtain(name))
    assert {request.status for request in found} == {RequestStatus.FAILED}
    return found


@pytest.mark.edge(28)
async def test_one_agreement_takes_up_everything_that_waited(
    desk: Desk, ca: FakeCa, record: Record
) -> None:
    # given
    names = ("a.example.org", "b.example.org")
    failed = await stopped(desk, ca, *names)
    hint = failed[0].problem.hint if failed[0].problem else ""
    assert "kmtui account update NAME --agree-tos" in hint
    asked = await desk.core.terms.asked("ops")
    assert (asked.url, asked.agreed, asked.links) == (NEW, None, (LINK,))
    assert {request.id for request in asked.requests} == {request.id for request in failed}

    # when
    agreed = await desk.core.terms.agree("ops", asked.url)

    # then
    ended = [await desk.core.requests.wait(each.id, seconds=20) for each in agreed.requests]
    assert [request.status for request in ended] == [RequestStatus.AVAILABLE] * 2
    assert {name for request in ended for name in request.names} == set(names)
    assert agreed.refused == ()
    account = await desk.core.accounts.get("ops")
    assert account.terms_url == NEW
    assert account.terms_agreed_at is not None
    assert {"termsOfServiceAgreed": True} in [payload for _, payload in ca.payloads]
    assert await record() == [("agree", "started"), ("agree", "ok")]
    assert (await desk.core.terms.asked("ops")).requests == ()


async def test_what_failed_for_another_reason_or_succeeded_since_is_left_alone(
    desk: Desk, ca: FakeCa
) -> None:
    (first,) = await stopped(desk, ca, "a.example.org")
    ca.script["/new-order"].append(problem(403, "rejectedIdentifier", "no"))
    assert (await desk.obtain("b.example.org")).status == RequestStatus.FAILED
    again = await desk.core.requests.retry(first.id)
    again = await desk.core.requests.wait(again.id, seconds=20)
    assert again.status == RequestStatus.AVAILABLE

    assert (await desk.core.terms.agree("ops", NEW)).requests == ()


async def test_terms_that_are_others_by_now_are_not_agreed_to(
    desk: Desk, ca: FakeCa, record: Record
) -> None:
    await stopped(desk, ca, "a.example.org")

    with pytest.raises(Refused, match=NEW):
        await desk.core.terms.agree("ops", OLD)

    assert (await desk.core.accounts.get("ops")).terms_url is None
    assert await record() == []


async def test_a_ca_that_takes_no_agreement_from_an_account_is_left_with_its_link(
    desk: Desk, ca: FakeCa
) -> None:
    await stopped(desk, ca, "a.example.org")
    path = httpx.URL((await desk.core.accounts.get("ops")).account_url or "").path
    ca.script[path].append(problem(400, "malformed", "cannot be updated by the client"))

    (request,) = (await desk.core.terms.agree("ops", NEW)).requests

    done = await desk.core.requests.wait(request.id, seconds=20)
    assert done.status == RequestStatus.AVAILABLE


async def test_a_ca_that_wants_its_link_visited_first_says_so_again(
    desk: Desk, ca: FakeCa, record: Record
) -> None:
    await stopped(desk, ca, "a.example.org")
    path = httpx.URL((await desk.core.accounts.get("ops")).account_url or "").path
    ca.script[path].append(wanted())

    with pytest.raises(AcmeError) as caught:
        await desk.core.terms.agree("ops", NEW)

    assert caught.value.problem is not None
    assert caught.value.problem.instance == LINK
    assert await record() == [("agree", "started"), ("agree", "failed")]


async def test_a_ca_that_names_no_terms_but_a_link_is_agreed_with_by_that(
    desk: Desk, ca: FakeCa
) -> None:
    with pytest.raises(Refused, match="names no terms"):
        await desk.core.terms.asked("ops")
    ca.script["/new-order"].append(wanted())
    await desk.obtain("a.example.org")

    assert (await desk.core.terms.asked("ops")).url == LINK
    assert len((await desk.core.terms.agree("ops", LINK)).requests) == 1
