"""What the practice CA refuses, and how it says why."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import josepy
import pytest
from acme import challenges, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.sandbox.sandbox import Sandbox


async def problem_of(customer: Any, *names: str, kind: Any = challenges.DNS01) -> messages.Error:
    """The problem of the one challenge that is answered without being fulfilled."""
    order = await asyncio.to_thread(customer.order, *names)
    await asyncio.to_thread(customer.answer, order, kind)
    with pytest.raises(errors.ValidationError) as caught:
        await asyncio.to_thread(customer.finish, order)
    [authorization] = caught.value.failed_authzrs
    assert authorization.body.status == messages.STATUS_INVALID
    [challenge] = authorization.body.challenges
    refreshed = await asyncio.to_thread(customer.client._post_as_get, order.uri)
    assert refreshed.json()["status"] == "invalid"
    error: messages.Error = challenge.error
    return error


async def test_a_missing_record_is_named(customer: Any) -> None:
    problem = await problem_of(customer, "www.kmtui.test")

    assert problem.code == "dns"
    assert "NXDOMAIN looking up TXT for _acme-challenge.www.kmtui.test" in problem.detail


async def test_a_wrong_record_is_shown(customer: Any, zone: Any) -> None:
    await asyncio.to_thread(zone.add_txt, "_acme-challenge.kmtui.test", "stale")

    problem = await problem_of(customer, "kmtui.test")

    assert problem.code == "unauthorized"
    assert '"stale" found at _acme-challenge.kmtui.test' in problem.detail


async def test_a_record_must_be_on_every_server(make_customer: Any) -> None:
    # given a secondary that is an hour behind
    async with Sandbox(pace=0, lag=3600) as sandbox:
        customer = await asyncio.to_thread(make_customer, sandbox)
        order = await asyncio.to_thread(customer.order, "kmtui.test")

        # when the record is on the primary only
        await asyncio.to_thread(customer.publish, order)
        await asyncio.to_thread(customer.answer, order)

        # then the validation fails and names the server without it
        with pytest.raises(errors.ValidationError) as caught:
            await asyncio.to_thread(customer.finish, order)
        [authorization] = caught.value.failed_authzrs
        assert "asked 127.0.0.2" in authorization.body.challenges[0].error.detail


async def test_names_of_others_cannot_be_looked_up(customer: Any) -> None:
    problem = await problem_of(customer, "www.example.org", kind=challenges.HTTP01)

    assert problem.code == "dns"
    assert "REFUSED looking up A for www.example.org" in problem.detail


async def test_a_silent_web_server_is_a_connection_problem(customer: Any) -> None:
    problem = await problem_of(customer, "www.kmtui.test", kind=challenges.HTTP01)

    assert problem.code == "connection"
    assert "http://www.kmtui.test:" in problem.detail


@pytest.mark.parametrize("present", [True, False])
async def test_a_wrong_page_is_shown(
    sandbox: Any, customer: Any, serve: Any, present: bool
) -> None:
    order = await asyncio.to_thread(customer.order, "www.kmtui.test")
    [(_, body)] = customer.choose(order, challenges.HTTP01)

    with serve(sandbox.http_port, {body.path: "a welcome page"} if present else {}):
        await asyncio.to_thread(customer.answer, order, challenges.HTTP01)
        with pytest.raises(errors.ValidationError) as caught:
            await asyncio.to_thread(customer.finish, order)

    [failed] = caught.value.failed_authzrs
    problem = failed.body.challenges[0].error
    assert problem.code == "unauthorized"
    assert ("a welcome page" if present else 'status 404, "nothing here"') in problem.detail


async def test_an_address_elsewhere_is_not_visited(customer: Any, zone: Any) -> None:
    message = zone.update()
    message.add("www", 60, "A", "192.0.2.1")
    await asyncio.to_thread(zone.send, message)

    problem = await problem_of(customer, "www.kmtui.test", kind=challenges.HTTP01)

    assert problem.code == "connection"
    assert "192.0.2.1" in problem.detail


async def test_blocked_names_come_back_one_by_one(customer: Any) -> None:
    names = ["www.kmtui.test", "pay.blocked.kmtui.test", "*.blocked.shop.test"]

    with pytest.raises(messages.Error) as caught:
        await asyncio.to_thread(customer.order, *names)

    assert caught.value.code == "rejectedIdentifier"
    refused = [sub.identifier.value for sub in caught.value.subproblems]
    assert refused == ["pay.blocked.kmtui.test", "*.blocked.shop.test"]


async def test_names_that_are_none_are_refused_beside_blocked_ones(customer: Any) -> None:
    with pytest.raises(messages.Error) as caught:
        await asyncio.to_thread(customer.order, "under_score.kmtui.test", "blocked.kmtui.test")

    assert caught.value.typ == "urn:ietf:params:acme:error:compound"
    assert [sub.code for sub in caught.value.subproblems] == ["malformed", "rejectedIdentifier"]


async def test_unknown_profiles_are_refused(customer: Any) -> None:
    with pytest.raises(messages.Error, match="invalidProfile"):
        await asyncio.to_thread(customer.order, "kmtui.test", profile="eternal")


async def test_wildcards_are_for_dns_only(customer: Any) -> None:
    order = await asyncio.to_thread(customer.order, "*.kmtui.test")

    [authorization] = order.authorizations
    assert authorization.body.wildcard
    assert [type(c.chall) for c in authorization.body.challenges] == [challenges.DNS01]


async def test_terms_must_be_accepted(sandbox: Any, make_customer: Any) -> None:
    customer = await asyncio.to_thread(make_customer, sandbox, register=False)

    with pytest.raises(messages.Error, match="terms of service"):
        await asyncio.to_thread(customer.register, terms_of_service_agreed=False)


async def test_a_nonce_is_good_once(customer: Any) -> None:
    # given the nonce of a request that went through
    nonce = await asyncio.to_thread(
        customer.net._get_nonce, "", customer.client.directory["newNonce"]
    )
    url = customer.account.uri

    def send() -> Any:
        data = customer.net._wrap_in_jws(messages.UpdateRegistration(), nonce, url)
        headers = {"Content-Type": "application/jose+json"}
        return customer.net.session.post(url, data=data, headers=headers)

    assert (await asyncio.to_thread(send)).status_code == 200

    # when it is used again
    answer = await asyncio.to_thread(send)

    # then the request is refused, with a fresh nonce
    assert answer.json()["type"] == "urn:ietf:params:acme:error:badNonce"
    assert answer.headers["Replay-Nonce"] != josepy.encode_b64jose(nonce)


async def test_good_nonces_can_be_refused_on_purpose(make_customer: Any) -> None:
    async with Sandbox(pace=0, lag=0, nonce_rejection=1.0) as sandbox:
        with pytest.raises(messages.Error, match="badNonce"):
            await asyncio.to_thread(make_customer, sandbox)


async def test_a_request_for_another_url_is_refused(sandbox: Any, customer: Any) -> None:
    def send() -> Any:
        nonce = customer.net._get_nonce("", customer.client.directory["newNonce"])
        data = customer.net._wrap_in_jws(None, nonce, customer.account.uri)
        headers = {"Content-Type": "application/jose+json"}
        url = customer.client.directory["newOrder"]
        return customer.net.session.post(url, data=data, headers=headers)

    answer = await asyncio.to_thread(send)

    assert answer.status_code == 403
    assert answer.json()["type"].endswith(":unauthorized")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"protected":"!","payload":"","signature":""}', b"\xff" * 99]
)
async def test_garbage_is_malformed(customer: Any, body: bytes) -> None:
    def send() -> Any:
        url = customer.client.directory["newOrder"]
        headers = {"Content-Type": "application/jose+json"}
        return customer.net.session.post(url, data=body, headers=headers)

    answer = await asyncio.to_thread(send)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":malformed")


NAME = {"type": "dns", "value": "kmtui.test"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, "malformed"),
        ({"identifiers": []}, "malformed"),
        ({"identifiers": [5]}, "malformed"),
        ({"identifiers": [{"type": "dns", "value": None}]}, "malformed"),
        ({"identifiers": [{"type": "ip", "value": "192.0.2.1"}]}, "unsupportedIdentifier"),
        ({"identifiers": [NAME] * 101}, "malformed"),
        ({"identifiers": [NAME], "profile": ["classic"]}, "invalidProfile"),
        ({"identifiers": [NAME], "notAfter": "2030-01-01T00:00:00Z"}, "malformed"),
    ],
)
async def test_odd_orders_get_an_answer(customer: Any, payload: Any, code: str) -> None:
    url = customer.client.directory["newOrder"]

    with pytest.raises(messages.Error) as caught:
        await asyncio.to_thread(customer.post, url, payload)

    assert caught.value.typ.rpartition(":")[2] == code


async def test_the_request_must_match_the_order(customer: Any, make_csr: Any) -> None:
    order = await asyncio.to_thread(customer.order, "kmtui.test")

    def finalize(request: bytes) -> str:
        changed = order.update(csr_pem=request)
        with pytest.raises(messages.Error) as caught:
            customer.client.begin_finalization(changed)
        code: str = caught.value.typ.rpartition(":")[2]
        return code

    # given an order that is not ready, then one that is
    assert await asyncio.to_thread(finalize, order.csr_pem) == "orderNotReady"
    await asyncio.to_thread(customer.publish, order)
    await asyncio.to_thread(customer.answer, order)
    deadline = datetime.now() + timedelta(seconds=20)
    await asyncio.to_thread(customer.client.poll_authorizations, order, deadline)

    # then only a CSR for its names, with a fit key of its own, is accepted
    fit, weak = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP192R1())
    account_key = customer.key.key._wrapped
    for request, code in [
        (make_csr(fit, "kmtui.test", "www.kmtui.test"), "badCSR"),
        (make_csr(account_key, "kmtui.test"), "badCSR"),
        (make_csr(weak, "kmtui.test"), "badPublicKey"),
    ]:
        assert await asyncio.to_thread(finalize, request) == code
