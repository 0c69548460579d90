"""Registering, finding, changing and ending accounts."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.acme import (
    AcmeClient,
    ExternalAccount,
    Signer,
    asks_for_agreement,
    tells_of_deactivation,
)
from kmtui.core.acme.retries import surely_undone
from kmtui.core.errors import AcmeError, InvalidInput, ProtocolViolation, ResponseLost
from tests.core.acme.fake_ca import BASE, FakeCa, Lost, problem

Key = ec.EllipticCurvePrivateKey
CONTACT = ["mailto:ops@example.org"]


async def test_the_same_key_gets_the_same_account(client: AcmeClient, key: Key) -> None:
    first = await client.new_account(key, contact=CONTACT, terms_agreed=True)
    second = await client.new_account(key, contact=CONTACT, terms_agreed=True)
    assert (first.url, first.created) == (second.url, True)
    assert not second.created


async def test_agreement_is_sent_only_when_given(ca: FakeCa, client: AcmeClient, key: Key) -> None:
    await client.new_account(key, contact=[], terms_agreed=False)
    assert ca.payloads[-1] == ("/new-account", {})
    await client.new_account(key, contact=[], terms_agreed=True)
    assert ca.payloads[-1] == ("/new-account", {"termsOfServiceAgreed": True})


async def test_finding_an_account_never_creates_one(
    ca: FakeCa, client: AcmeClient, key: Key
) -> None:
    with pytest.raises(AcmeError) as caught:
        await client.find_account(key)
    assert caught.value.problem is not None
    assert caught.value.problem.short_type == "accountDoesNotExist"
    assert not ca.accounts
    registered = await client.new_account(key, contact=[], terms_agreed=True)
    assert (await client.find_account(key)).url == registered.url


async def test_a_ca_that_creates_although_asked_to_find_is_told_apart(
    ca: FakeCa, client: AcmeClient, key: Key
) -> None:
    ca.script["/new-account"].append(
        httpx.Response(201, json={}, headers={"Location": f"{BASE}/acct/9"})
    )
    with pytest.raises(ProtocolViolation, match="created one"):
        await client.find_account(key)


async def test_a_lost_answer_to_new_account_is_asked_for_again(
    ca: FakeCa, client: AcmeClient, key: Key
) -> None:
    ca.script["/new-account"].append(Lost())
    account = await client.new_account(key, contact=[], terms_agreed=True)
    assert list(ca.accounts) == [account.url]


@pytest.mark.edge(25)
async def test_an_empty_201_is_an_account(ca: FakeCa, client: AcmeClient, key: Key) -> None:
    ca.script["/new-account"].append(httpx.Response(201, headers={"Location": f"{BASE}/acct/1"}))
    account = await client.new_account(key, contact=[], terms_agreed=True)
    assert (account.url, account.status, account.contact) == (f"{BASE}/acct/1", "valid", ())


async def test_null_contacts_are_dropped(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    ca.accounts[str(signer.kid)]["contact"] = [None]
    assert (await client.account(signer)).contact == ()


@pytest.mark.parametrize("location", [None, "ftp://ca.test/acct/1", "https://u:p@ca.test/acct/1"])
async def test_an_account_without_an_acceptable_url_is_refused(
    ca: FakeCa, client: AcmeClient, key: Key, location: str | None
) -> None:
    headers = {"Location": location} if location else {}
    ca.script["/new-account"].append(httpx.Response(201, json={}, headers=headers))
    with pytest.raises(ProtocolViolation):
        await client.new_account(key, contact=[], terms_agreed=True)


async def test_contacts_can_be_replaced_and_the_account_ended(
    client: AcmeClient, signer: Signer
) -> None:
    assert (await client.update_account(signer, CONTACT)).contact == tuple(CONTACT)
    assert (await client.deactivate_account(signer)).status == "deactivated"


async def test_agreement_to_changed_terms_is_told_to_the_account(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    await client.agree_to_terms(signer)

    assert ca.payloads[-1] == (f"{signer.kid}".removeprefix(BASE), {"termsOfServiceAgreed": True})


@pytest.mark.parametrize(
    ("answer", "undone", "sent"),
    [
        (Lost(), False, 1),
        (problem(500, "serverInternal"), False, 1),
        (problem(403, "unauthorized"), True, 1),
        (httpx.ConnectError("refused"), True, 6),
    ],
    ids=["lost", "its own error", "refused", "not reached"],
)
async def test_a_deactivation_is_sent_again_only_where_it_cannot_have_been_carried_out(
    ca: FakeCa, client: AcmeClient, signer: Signer, answer: object, undone: bool, sent: int
) -> None:
    path = f"{signer.kid}".removeprefix(BASE)
    ca.script[path].extend([answer] * 9)  # type: ignore[list-item]

    with pytest.raises(AcmeError) as caught:
        await client.deactivate_account(signer)

    assert (surely_undone(caught.value), ca.count(path)) == (undone, sent)
    assert isinstance(caught.value, ResponseLost) is isinstance(answer, Lost)


async def test_what_a_refusal_is_about_is_told_apart(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    refusals = [
        ("userActionRequired", "new terms"),
        ("unauthorized", "The account is deactivated"),
        ("unauthorized", "not yours"),
    ]
    told = []
    for type_, detail in refusals:
        ca.script["/new-order"].append(problem(403, type_, detail))
        with pytest.raises(AcmeError) as caught:
            await client.new_order(signer, ["www.example.org"])
        found = caught.value.problem
        told.append((asks_for_agreement(found), tells_of_deactivation(found)))

    assert told == [(True, False), (False, True), (False, False)]


@pytest.mark.parametrize(
    "hmac_key",
    [
        pytest.param("-_8gc2VjcmV0IGtleSBvZiB0aGUgQ0E", id="base64url"),
        pytest.param("-_8gc2VjcmV0IGtleSBvZiB0aGUgQ0E=", id="padded"),
        pytest.param("+/8gc2VjcmV0IGtleSBvZiB0aGUgQ0E=", id="standard base64"),
        pytest.param(" -_8gc2VjcmV0IGtl\neSBvZiB0aGUgQ0E\n", id="copied with blanks"),
    ],
)
async def test_an_external_account_is_bound(
    ca: FakeCa, client: AcmeClient, key: Key, hmac_key: str
) -> None:
    ca.meta = {"externalAccountRequired": True}
    assert (await client.directory()).meta.external_account_required
    eab = ExternalAccount("eab-1", hmac_key)
    account = await client.new_account(key, contact=[], terms_agreed=True, eab=eab)
    assert account.created


async def test_a_missing_binding_is_explained(ca: FakeCa, client: AcmeClient, key: Key) -> None:
    ca.meta = {"externalAccountRequired": True}
    with pytest.raises(AcmeError, match="EAB") as caught:
        await client.new_account(key, contact=[], terms_agreed=True)
    assert "HMAC key" in caught.value.hint


@pytest.mark.parametrize("hmac_key", ["", "§§§", "abcde", "not base64!"])
async def test_a_garbled_hmac_key_is_the_operators_to_correct(
    client: AcmeClient, key: Key, hmac_key: str
) -> None:
    eab = ExternalAccount("eab-1", hmac_key)
    with pytest.raises(InvalidInput) as caught:
        await client.new_account(key, contact=[], terms_agreed=True, eab=eab)
    assert caught.value.__cause__ is None
    assert not hmac_key or hmac_key not in str(caught.value)


def test_secrets_stay_out_of_reprs(key: Key) -> None:
    assert "hmac" not in repr(ExternalAccount("eab-1", "c2VjcmV0")).replace("hmac_key", "")
    assert "c2VjcmV0" not in repr(ExternalAccount("eab-1", "c2VjcmV0"))
    assert "PrivateKey" not in repr(Signer(key, "https://ca.test/acct/1"))
