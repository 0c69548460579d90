"""Whatever a CA writes into its objects, a client gets through or is told; nothing else happens."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmtui.core.acme import AcmeClient, Pace, Signer, action_for, key_authorization
from kmtui.core.errors import AcmeError
from tests.core.acme.fake_ca import BASE, DIRECTORY, Clock, FakeCa, csr, problem

KEY = ec.generate_private_key(ec.SECP256R1())
CSR = csr(KEY, "www.example.org")
TEXTS = st.sampled_from(
    [
        "",
        "valid",
        "pending",
        "invalid",
        "processing",
        "ready",
        "expired",
        "\ud800",
        "\0\x1b[2J\u202e",
        "x" * 9000,
        f"{BASE}/order/1",
        f"{BASE}/authz/1-0",
        "https://[",
        "https://xn--/",
        "https://ca.test:0/",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "urn:ietf:params:acme:error:dns",
        "1" * 5000,
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    [
        *("status", "identifiers", "authorizations", "finalize", "certificate", "expires", "error"),
        *("notBefore", "profile", "replaces", "identifier", "wildcard", "challenges", "contact"),
        *(
            "type",
            "url",
            "token",
            "validated",
            "value",
            "detail",
            "subproblems",
            "meta",
            "newNonce",
        ),
        *("newOrder", "renewalInfo", "keyChange", "orders", "termsOfService", "profiles"),
    ]
)
RESOURCES = st.sampled_from(
    ["directory", "new-account", "new-order", "order", "authz", "chall", "finalize"]
)
HEADERS = st.sampled_from(
    ["Location", "Retry-After", "Replay-Nonce", "Link", "Date", "Content-Type"]
)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


class StrangeCa(FakeCa):
    """Changes one thing in every reply of one resource."""

    def __init__(self, resource: str, member: str, value: Any, *, status: int | None) -> None:
        super().__init__()
        self.resource, self.member, self.value, self.status = resource, member, value, status
        self.header: tuple[str, str] | None = None

    async def serve(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await super().serve(request)
        except (AssertionError, KeyError, TypeError, StopIteration):
            # A client that is sent to the wrong place asks strange things there.
            response = problem(400, "malformed", "no such thing here")
        if request.url.path.split("/")[1] != self.resource or not response.content:
            return response
        document = json.loads(response.content)
        places = list(objects(document))
        random.Random(7).choice(places)[self.member] = self.value
        headers = dict(response.headers)
        headers.pop("content-length", None)
        if self.header:
            headers[self.header[0].lower()] = self.header[1]
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        body = json.dumps(document).encode()
        return httpx.Response(self.status or response.status_code, content=body, headers=raw)


def objects(document: Any) -> Any:
    """Every JSON object within a document, itself included."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from objects(value)
    elif isinstance(document, list):
        for value in document:
            yield from objects(value)


async def walk(ca: FakeCa) -> None:
    clock = Clock()
    async with AcmeClient(
        DIRECTORY, http=ca.transport, sleep=clock.sleep, clock=clock, pace=Pace()
    ) as client:
        account = await client.new_account(KEY, contact=[], terms_agreed=True)
        signer = Signer(KEY, account.url)
        order = await client.new_order(signer, ["www.example.org"])
        for url in order.authorizations[:2]:
            authorization = await client.authorization(signer, url)
            assert isinstance(authorization.name, str)
            challenge = authorization.challenge("http-01")
            if challenge is not None:
                assert key_authorization(challenge.token, KEY)
                await client.answer(signer, challenge.url)
            await client.poll_authorization(signer, url, deadline=60)
        order = await client.finalize(signer, order, CSR, deadline=60)
        order = await client.poll_order(signer, order.url, until={"valid"}, deadline=60)
        if order.certificate:
            await client.certificate(signer, order.certificate)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    resource=RESOURCES,
    member=MEMBERS,
    value=VALUES,
    status=st.none() | st.sampled_from([200, 201, 400, 403, 409, 429, 500, 503]),
    header=st.none() | st.tuples(HEADERS, TEXTS.filter(lambda text: text.isascii()) | LATIN),
)
def test_no_word_of_a_ca_is_more_than_an_error(
    resource: str, member: str, value: Any, status: int | None, header: tuple[str, str] | None
) -> None:
    ca = StrangeCa(resource, member, value, status=status)
    ca.header = header
    told: AcmeError | None = None
    try:
        asyncio.run(walk(ca))
    except AcmeError as error:
        told = error
    assert told is None or told.message
    assert told is None or told.problem is None or action_for(told.problem)
    assert len(ca.requests) < 700
