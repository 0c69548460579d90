"""Accounts that vanished, are bound twice, or have to agree to something new."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.acme import AcmeClient, Action, ExternalAccount, Signer, action_for
from kmtui.core.errors import AcmeError
from kmtui.model import RequestStatus
from tests.core.acme.fake_ca import FakeCa, problem
from tests.torture.edge_cases.conftest import Desk

Key = ec.EllipticCurvePrivateKey
EAB = ExternalAccount("eab-1", "-_8gc2VjcmV0IGtleSBvZiB0aGUgQ0E")
TERMS = "https://ca.test/terms/2"


async def refusal(client: AcmeClient, key: Key, eab: ExternalAccount | None) -> AcmeError:
    with pytest.raises(AcmeError) as caught:
        await client.find_account(key, eab=eab)
    return caught.value


@pytest.mark.edge(26)
async def test_edge_26_an_account_is_found_with_and_without_its_binding(
    ca: FakeCa, client: AcmeClient, key: Key
) -> None:
    ca.meta = {"externalAccountRequired": True}
    account = await client.new_account(key, contact=[], terms_agreed=True, eab=EAB)
    assert (await client.find_account(key)).url == account.url

    ca.script["/new-account"].append(problem(403, "externalAccountRequired", "bind it"))
    told = await refusal(client, key, None)
    assert told.problem is not None
    assert told.problem.short_type == "externalAccountRequired"
    assert (await client.find_account(key, eab=EAB)).url == account.url

    spent = "account is not awaiting external account binding"
    ca.script["/new-account"].append(problem(400, "malformed", spent))
    told = await refusal(client, key, EAB)
    assert "does not take this external account binding again" in told.message
    assert "find the account by its key" in told.hint


@pytest.mark.edge(27)
@pytest.mark.parametrize(
    ("status", "type_", "detail"),
    [
        (400, "accountDoesNotExist", "Account https://ca.test/acct/1 not found"),
        (400, "malformed", "KeyID header contained an invalid account URL"),
        (400, "malformed", "kid does not have required prefix; expected https://ca.test/acct/"),
        (401, "malformed", "account not found"),
    ],
)
async def test_edge_27_an_account_that_vanished_is_a_humans_to_find_or_register(
    desk: Desk, status: int, type_: str, detail: str
) -> None:
    desk.ca.script["/new-order"].append(problem(status, type_, detail))

    request = await desk.obtain("www.example.org")

    assert (request.status, request.not_before) == (RequestStatus.FAILED, None)
    assert request.problem is not None
    assert action_for(request.problem) is Action.NEEDS_HUMAN
    assert "register it again" in request.problem.hint
    assert desk.ca.count("/new-account") == 1, "nothing is registered in silence"


@pytest.mark.edge(27)
async def test_edge_27_a_ca_that_lost_its_data_can_be_asked_and_registered_at_anew(
    ca: FakeCa, client: AcmeClient, key: Key, signer: Signer
) -> None:
    ca.accounts.clear()
    ca.keys.clear()
    told = await refusal(client, key, None)
    assert told.problem is not None
    assert told.problem.short_type == "accountDoesNotExist"
    assert (await client.new_account(key, contact=[], terms_agreed=True)).created


@pytest.mark.edge(28)
@pytest.mark.parametrize(
    "refused",
    [
        httpx.Response(
            403,
            json={
                "type": "urn:ietf:params:acme:error:userActionRequired",
                "detail": "the terms have changed",
                "instance": TERMS,
            },
        ),
        problem(403, "userActionRequired", "new terms", Link=f'<{TERMS}>;rel="terms-of-service"'),
        problem(403, "agreementRequired", "agree", Link=f"<{TERMS}>;rel=terms-of-service"),
        problem(400, "malformed", "must agree to terms of service", Link=f"<{TERMS}>;rel=help"),
    ],
    ids=["instance", "link", "agreementRequired", "malformed"],
)
async def test_edge_28_changed_terms_wait_for_a_human_with_the_link(
    desk: Desk, refused: httpx.Response
) -> None:
    desk.ca.script["/new-order"].append(refused)

    request = await desk.obtain("www.example.org")

    assert (request.status, request.not_before) == (RequestStatus.FAILED, None)
    assert request.problem is not None
    assert action_for(request.problem) is Action.NEEDS_HUMAN
    assert request.problem.instance == TERMS
    assert desk.ca.count("/new-order") == 1
