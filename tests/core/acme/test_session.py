"""Nonces, repetition and the directory: how the conversation survives a sick CA."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.acme import AcmeClient, Signer
from kmtui.core.errors import (
    AcmeError,
    CaUnreachable,
    InvalidInput,
    ProtocolViolation,
    ResponseLost,
)
from tests.core.acme.fake_ca import BASE, DIRECTORY, Clock, FakeCa, Lost, problem

HTML = "<html><head><title>503</title></head><body><h1>Service\nUnavailable</h1></body></html>"


def html(status: int, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, html=HTML, headers=named)


async def test_ninety_percent_rejected_nonces_are_survived(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.nonce_rejection = 0.9
    for number in range(5):
        await client.new_order(signer, [f"{number}.example.org"])
    assert len(ca.orders) == 5
    # Each rejection brought the next nonce: no extra round trips to newNonce.
    assert ca.count("/new-nonce") == 1


async def test_a_ca_that_rejects_every_nonce_is_given_up(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.nonce_rejection = 1.0
    with pytest.raises(AcmeError, match="nonces") as caught:
        await client.account(signer)
    assert caught.value.problem is not None
    assert caught.value.problem.short_type == "badNonce"
    assert len(ca.requests) < 120


@pytest.mark.edge(2)
async def test_a_stale_pool_costs_at_most_two_more_requests(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    for number in range(8):
        await client.new_order(signer, [f"{number}.example.org"])
    ca.nonces.clear()  # the CA was restarted
    before = len(ca.requests)
    await client.account(signer)
    assert len(ca.requests) - before <= 3


@pytest.mark.edge(2)
async def test_nonces_of_an_idle_night_are_not_even_tried(
    ca: FakeCa, client: AcmeClient, signer: Signer, clock: Clock
) -> None:
    clock.now += 12 * 3600
    ca.nonces.clear()
    before = len(ca.requests)
    await client.account(signer)
    assert ca.requests[before:] == [
        ("HEAD", "/new-nonce"),
        ("POST", str(signer.kid).removeprefix(BASE)),
    ]


@pytest.mark.edge(3)
async def test_success_without_a_nonce_is_success(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.give_nonces = False
    order = await client.new_order(signer, ["example.org"])
    assert (await client.order(signer, order.url)).status == "pending"


async def test_a_nonce_that_is_none_is_not_used(
    ca: FakeCa, client: AcmeClient, key: ec.EllipticCurvePrivateKey
) -> None:
    ca.script["/new-nonce"].append(httpx.Response(200, headers={"Replay-Nonce": "not a nonce!"}))
    with pytest.raises(ProtocolViolation, match="no usable nonce"):
        await client.new_account(key, contact=[], terms_agreed=True)


@pytest.mark.edge(4)
async def test_an_overloaded_ca_is_waited_for_as_long_as_it_says(
    ca: FakeCa, client: AcmeClient, signer: Signer, clock: Clock
) -> None:
    ca.script["/new-order"].append(html(503, Retry_After="30"))
    order = await client.new_order(signer, ["example.org"])
    assert order.status == "pending"
    assert clock.slept == [30.0]


async def test_an_overload_that_lasts_is_told_plainly(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script["/new-order"].extend([html(503, Retry_After="30")] * 9)
    with pytest.raises(CaUnreachable, match="overloaded") as caught:
        await client.new_order(signer, ["example.org"])
    told = caught.value.problem
    assert told is not None
    assert (told.http_status, told.retry_after) == (503, 30.0)
    assert "Service Unavailable" in told.detail
    assert "<" not in told.detail


async def test_a_long_rate_limit_is_not_waited_for(
    ca: FakeCa, client: AcmeClient, signer: Signer, clock: Clock
) -> None:
    ca.script["/new-order"].append(
        problem(
            429, "rateLimited", "too many", Retry_After="122400", Link="<https://h.test>;rel=help"
        )
    )
    with pytest.raises(AcmeError) as caught:
        await client.new_order(signer, ["example.org"])
    told = caught.value.problem
    assert told is not None
    assert (told.retry_after, told.instance) == (122400.0, "https://h.test")
    assert clock.slept == []


async def test_reading_is_repeated_through_errors(
    ca: FakeCa, client: AcmeClient, signer: Signer, clock: Clock
) -> None:
    path = str(signer.kid).removeprefix(BASE)
    ca.script[path].extend(
        [html(502), problem(500, "serverInternal"), httpx.ReadTimeout("slow"), Lost()]
    )
    assert (await client.account(signer)).status == "valid"
    assert len(clock.slept) == 4
    assert sum(clock.slept) < 10


async def test_repetition_ends_after_six_tries(
    ca: FakeCa, client: AcmeClient, signer: Signer, clock: Clock
) -> None:
    path = str(signer.kid).removeprefix(BASE)
    ca.script[path].extend([httpx.ConnectError("refused")] * 20)
    with pytest.raises(CaUnreachable):
        await client.account(signer)
    assert ca.count(path) == 6
    assert sum(clock.slept) <= 60


@pytest.mark.parametrize(
    "step",
    [Lost(), html(500), problem(500, "serverInternal"), html(503)],
    ids=["no answer", "500 page", "500 problem", "503 page"],
)
async def test_an_order_whose_answer_is_lost_is_placed_again(
    ca: FakeCa, client: AcmeClient, signer: Signer, step: Lost | httpx.Response
) -> None:
    ca.script["/new-order"].append(step)
    order = await client.new_order(signer, ["example.org"])
    assert ca.count("/new-order") == 2
    assert list(ca.orders)[-1] == order.url.removeprefix(BASE)


async def test_a_lost_answer_is_called_so_in_the_end(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script["/new-order"].extend([Lost()] * 9)
    with pytest.raises(ResponseLost):
        await client.new_order(signer, ["example.org"])


async def test_new_order_is_repeated_when_it_never_left(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.script["/new-order"].append(httpx.ConnectError("refused"))
    await client.new_order(signer, ["example.org"])
    assert len(ca.orders) == 1


async def test_trouble_with_new_nonce_does_not_count_as_a_lost_order(
    ca: FakeCa, client: AcmeClient, signer: Signer
) -> None:
    ca.give_nonces = False
    await client.account(signer)
    ca.script["/new-nonce"].extend([html(500), httpx.ReadError("reset")])
    await client.new_order(signer, ["example.org"])
    assert ca.count("/new-order") == 1


async def test_refusals_are_not_repeated(ca: FakeCa, client: AcmeClient, signer: Signer) -> None:
    path = str(signer.kid).removeprefix(BASE)
    ca.script[path].append(problem(501, "rejectedIdentifier", "not implemented"))
    with pytest.raises(AcmeError):
        await client.account(signer)
    assert ca.count(path) == 1


async def test_the_directory_is_fetched_once_and_again_on_demand(
    ca: FakeCa, client: AcmeClient
) -> None:
    assert await client.directory() is await client.directory()
    await client.directory(refresh=True)
    assert ca.count("/directory") == 2


@pytest.mark.parametrize("meta", ["absent", None, {}])
async def test_a_directory_needs_no_meta(ca: FakeCa, client: AcmeClient, meta: object) -> None:
    document = ca.directory() if meta == "absent" else {**ca.directory(), "meta": meta}
    ca.script["/directory"].append(httpx.Response(200, json=document))
    directory = await client.directory()
    assert directory.meta.terms_of_service is None
    assert directory.meta.profiles == {}
    assert directory.raw["aG9tZQ"]


async def test_a_directory_tells_what_the_ca_offers(ca: FakeCa, client: AcmeClient) -> None:
    ca.meta = {
        "termsOfService": "https://ca.test/terms",
        "website": "https://ca.test",
        "caaIdentities": ["ca.test"],
        "externalAccountRequired": False,
        "profiles": {"default": "Ninety days", "short": None},
        "db_check": True,
    }
    meta = (await client.directory()).meta
    assert meta.terms_of_service == "https://ca.test/terms"
    assert meta.caa_identities == ("ca.test",)
    assert meta.profiles == {"default": "Ninety days", "short": ""}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>log in</html>"),
        httpx.Response(200, json=[1, 2]),
        httpx.Response(200, json={"newNonce": "https://ca.test/n"}),
        httpx.Response(200, json={"newNonce": 7, "newAccount": {}, "newOrder": []}),
        httpx.Response(200, content=b"[" * 200_000),
        httpx.Response(200, content=b'{"newNonce": NaN}'),
        httpx.Response(200, content=b"\xff\xfe\x00"),
        httpx.Response(204),
    ],
    ids=lambda response: repr(response.content[:20]),
)
async def test_what_is_no_acme_server_is_called_so(
    ca: FakeCa, client: AcmeClient, answer: httpx.Response
) -> None:
    ca.script["/directory"].append(answer)
    with pytest.raises(CaUnreachable, match="not an ACME server"):
        await client.directory()


@pytest.mark.parametrize(
    "url", ["http://ca.test/n", "https://u@ca.test/n", "https://127.0.0.1/n", "file:///etc/passwd"]
)
async def test_a_directory_may_not_send_us_anywhere(
    ca: FakeCa, client: AcmeClient, url: str
) -> None:
    document = {**ca.directory(), "newOrder": url}
    ca.script["/directory"].append(httpx.Response(200, json=document))
    with pytest.raises(ProtocolViolation, match="handed out a URL"):
        await client.directory()


async def test_an_unreachable_directory_is_reported_soon(
    ca: FakeCa, client: AcmeClient, clock: Clock
) -> None:
    ca.script["/directory"].extend([httpx.ConnectError("refused")] * 9)
    with pytest.raises(CaUnreachable, match="cannot be reached"):
        await client.directory()
    assert sum(clock.slept) < 3


@pytest.mark.parametrize(
    ("url", "bundle", "proxy", "field"),
    [
        ("http://ca.test/directory", None, None, "directory_url"),
        ("ca.test/directory", None, None, "directory_url"),
        ("https://user:secret@ca.test/", None, None, "directory_url"),
        (DIRECTORY, "", None, "ca_bundle"),
        (DIRECTORY, "no certificate", None, "ca_bundle"),
        (DIRECTORY, None, "socks5://127.0.0.1:1080", "proxy"),
        (DIRECTORY, None, "nonsense", "proxy"),
    ],
)
async def test_a_client_refuses_bad_settings_before_connecting(
    url: str, bundle: str | None, proxy: str | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        AcmeClient(url, ca_bundle=bundle, proxy=proxy)
    assert caught.value.field == field
    assert "secret" not in str(caught.value)
