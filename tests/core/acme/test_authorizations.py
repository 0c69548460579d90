"""Challenges answered once, authorizations polled to a clear end."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kmtui.core.acme import AcmeClient, Authorization, Signer
from kmtui.core.errors import AcmeError, StillProcessing
from tests.core.acme.fake_ca import BASE, Clock, FakeCa, Lost, problem

URL = f"{BASE}/authz/1-0"
CHALLENGE = f"{BASE}/chall/1-0/dns-01"
PATH = "/chall/1-0/dns-01"
ERROR = {"type": "urn:ietf:params:acme:error:dns", "detail": "NXDOMAIN"}


@pytest.fixture
async def pending(ca: FakeCa, client: AcmeClient, signer: Signer) -> dict[str, Any]:
    """The CA's own, changeable view of one pending authorization."""
    await client.new_order(signer, ["example.org"])
    return ca.authorizations["/authz/1-0"]


@pytest.mark.usefixtures("pending")
async def test_an_answered_challenge_makes_the_authorization_valid(
    client: AcmeClient, signer: Signer
) -> None:
    assert (await client.answer(signer, CHALLENGE)).status == "valid"
    done = await client.poll_authorization(signer, URL, deadline=60)
    assert (done.status, done.name) == ("valid", "example.org")


@pytest.mark.usefixtures("pending")
async def test_a_lost_answer_is_looked_up_not_given_twice(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script[PATH].append(Lost())
    assert (await client.answer(signer, CHALLENGE)).status == "valid"
    assert [payload for path, payload in ca.payloads if path == PATH] == [{}, None]


@pytest.mark.usefixtures("pending")
async def test_an_answer_that_never_arrived_is_given_again(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script[PATH].append(httpx.ReadError("reset"))
    assert (await client.answer(signer, CHALLENGE)).status == "valid"


@pytest.mark.usefixtures("pending")
async def test_answering_what_is_valid_already_is_success(
    client: AcmeClient, signer: Signer
) -> None:
    await client.answer(signer, CHALLENGE)
    assert (await client.answer(signer, CHALLENGE)).status == "valid"


@pytest.mark.usefixtures("pending")
async def test_a_refused_answer_is_an_error(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    ca.script[PATH].append(problem(400, "malformed", "authorization expired"))
    with pytest.raises(AcmeError, match="authorization expired"):
        await client.answer(signer, CHALLENGE)


@pytest.mark.usefixtures("pending")
async def test_an_answer_acknowledged_with_a_blank_page_counts(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script[PATH].append(httpx.Response(200))
    assert (await client.answer(signer, CHALLENGE)).url == CHALLENGE


@pytest.mark.edge(14)
@pytest.mark.parametrize("status", ["invalid", "expired", "deactivated", "revoked"])
async def test_a_lost_authorization_is_never_success(
    client: AcmeClient, signer: Signer, pending: dict[str, Any], status: str
) -> None:
    pending["status"] = status
    with pytest.raises(AcmeError) as caught:
        await client.poll_authorization(signer, URL, deadline=60)
    assert caught.value.problem is not None
    assert caught.value.problem.type == f"kmtui:authorization-{status}"
    assert caught.value.problem.where == URL


async def test_a_failed_challenge_brings_its_reason(
    client: AcmeClient, signer: Signer, pending: dict[str, Any]
) -> None:
    pending["status"] = "invalid"
    pending["challenges"][1] |= {"status": "invalid", "error": ERROR}
    with pytest.raises(AcmeError, match="NXDOMAIN") as caught:
        await client.poll_authorization(signer, URL, deadline=60)
    assert caught.value.problem is not None
    assert caught.value.problem.where == CHALLENGE
    assert caught.value.hint


@pytest.mark.edge(17)
async def test_pending_with_an_error_and_no_progress_ends_soon(
    ca: FakeCa, client: AcmeClient, signer: Signer, pending: dict[str, Any], clock: Clock
) -> None:
    pending["challenges"][1]["error"] = ERROR
    with pytest.raises(AcmeError, match="NXDOMAIN"):
        await client.poll_authorization(signer, URL, deadline=600)
    assert ca.count("/authz/1-0") == 3
    assert sum(clock.slept) < 10


async def test_an_error_while_the_ca_still_tries_is_told_at_the_deadline(
    ca: FakeCa, client: AcmeClient, signer: Signer, pending: dict[str, Any]
) -> None:
    pending["challenges"][1] |= {"status": "processing", "error": ERROR}
    with pytest.raises(AcmeError, match="NXDOMAIN") as caught:
        await client.poll_authorization(signer, URL, deadline=120)
    assert not isinstance(caught.value, StillProcessing)
    assert ca.count("/authz/1-0") > 5


async def test_an_error_that_goes_away_is_no_failure(
    client: AcmeClient, signer: Signer, pending: dict[str, Any]
) -> None:
    pending["challenges"][1]["error"] = ERROR

    async def recover(_: Authorization) -> None:
        pending["challenges"][1].pop("error", None)
        pending["status"] = "valid"

    done = await client.poll_authorization(signer, URL, deadline=60, on_update=recover)
    assert done.status == "valid"


@pytest.mark.usefixtures("pending")
async def test_a_ca_that_never_looks_meets_the_deadline(
    client: AcmeClient, signer: Signer, clock: Clock
) -> None:
    start = clock()
    with pytest.raises(StillProcessing):
        await client.poll_authorization(signer, URL, deadline=90)
    assert clock() - start == 90


@pytest.mark.usefixtures("pending")
async def test_an_abandoned_authorization_can_be_deactivated(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    assert (await client.deactivate_authorization(signer, URL)).status == "deactivated"
    assert ca.payloads[-1] == ("/authz/1-0", {"status": "deactivated"})
