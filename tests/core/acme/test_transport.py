"""HTTP limits: redirects, size, compression, time, trust."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from kmtui.core.acme.transport import LARGEST_BODY, Transport
from kmtui.core.acme.urls import UrlPolicy
from kmtui.core.errors import CaUnreachable, ProtocolViolation, ResponseLost
from tests.servers.tls import make_loopback_certificate

URL = "https://ca.test/thing"


class Stream(httpx.AsyncByteStream):
    """A body that arrives piece by piece, as from a network, and counts what was taken."""

    def __init__(self, piece: bytes, times: int, *, every: float = 0.0) -> None:
        self.piece, self.times, self.every = piece, times, every
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.times):
            await asyncio.sleep(self.every)
            self.taken += 1
            yield self.piece


def transport(answer: httpx.Response | Exception, *, deadline: float = 5.0) -> Transport:
    def serve(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Transport(UrlPolicy(URL), http=httpx.MockTransport(serve), deadline=deadline)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_redirects_are_never_followed(method: str, status: int) -> None:
    calls = transport(httpx.Response(status, headers={"Location": "https://evil.test/"}))
    with pytest.raises(ProtocolViolation, match=r"redirect to https://evil\.test/"):
        await calls.request(method, URL, content=b"{}")


async def test_an_endless_body_is_cut_off_early() -> None:
    stream = Stream(b"x" * 65536, 100_000)
    with pytest.raises(ProtocolViolation, match="larger than"):
        await transport(httpx.Response(200, stream=stream)).request("GET", URL)
    assert stream.taken <= LARGEST_BODY // 65536 + 1


async def test_a_gzip_bomb_is_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (64 * LARGEST_BODY))
    stream = Stream(bomb, 1)
    calls = transport(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))
    with pytest.raises(ProtocolViolation, match="larger than"):
        await calls.request("GET", URL)


async def test_honest_gzip_is_read() -> None:
    packed = gzip.compress(b'{"status": "valid"}')
    stream = Stream(packed, 1)
    calls = transport(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))
    assert (await calls.request("GET", URL)).body == b'{"status": "valid"}'


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate"])
async def test_other_encodings_are_refused(encoding: str) -> None:
    stream = Stream(b"x", 1)
    calls = transport(httpx.Response(200, headers={"Content-Encoding": encoding}, stream=stream))
    with pytest.raises(ProtocolViolation, match="encoding"):
        await calls.request("GET", URL)


async def test_broken_gzip_is_refused() -> None:
    calls = transport(
        httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Stream(b"not gzip", 1))
    )
    with pytest.raises(ProtocolViolation, match="decompressed"):
        await calls.request("GET", URL)


async def test_a_body_that_drips_for_ever_meets_the_total_deadline() -> None:
    stream = Stream(b"x", 100_000, every=0.01)
    calls = transport(httpx.Response(200, stream=stream), deadline=0.1)
    with pytest.raises(ResponseLost, match=r"no answer within 0\.1 s"):
        await calls.request("POST", URL, content=b"{}")


@pytest.mark.parametrize(
    ("failure", "lost"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("gone"), True),
        (ssl.SSLError("bad record"), True),
    ],
    ids=repr,
)
async def test_never_sent_and_maybe_arrived_are_told_apart(failure: Exception, lost: bool) -> None:
    with pytest.raises(CaUnreachable) as caught:
        await transport(failure).request("POST", URL, content=b"{}")
    assert isinstance(caught.value, ResponseLost) == lost


@pytest.mark.parametrize(
    "url",
    [
        "http://ca.test/",
        "https://user@ca.test/",
        "https://ca.test/\r\nX: y",
        "https://ca.test/a b",
        "https://ca.test/\u202e",
        "https://",
        "gopher://ca.test/",
        "//ca.test/",
        "https://[::1]/",
        "https://localhost/",
        "http://127.0.0.1:8080/",
        "https://ca.test:99999/",
        "https://xn--/",
        "https://xn--a.test/",
        "https://ca.test/" + "x" * 3000,
        "",
    ],
)
async def test_unacceptable_urls_are_never_called(url: str) -> None:
    with pytest.raises(ProtocolViolation):
        await transport(httpx.Response(200)).request("GET", url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://[::1]:1/x", "http://localhost:1/x"]
)
async def test_a_ca_on_this_machine_may_be_called_by_plain_http(url: str) -> None:
    assert UrlPolicy("http://127.0.0.1:14000/dir").check(url) == url


@pytest.fixture
async def tls_server(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """URL of an HTTPS server on loopback, and the root it is trusted by (PEM)."""
    identity = make_loopback_certificate()
    chain = tmp_path / "server.pem"
    chain.write_text(identity.certificate_pem + identity.key_pem)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"https://127.0.0.1:{port}/", identity.authority_pem


async def test_a_private_root_is_trusted_when_given(tls_server: tuple[str, str]) -> None:
    url, root = tls_server
    calls = Transport(UrlPolicy(url), ca_bundle=f"# kept by söme hand\n{root}")
    assert (await calls.request("GET", url)).body == b"ok"
    await calls.aclose()


async def test_a_given_root_replaces_the_systems_trust(tls_server: tuple[str, str]) -> None:
    url, _ = tls_server
    for bundle in (None, make_loopback_certificate().authority_pem):
        calls = Transport(UrlPolicy(url), ca_bundle=bundle)
        with pytest.raises(CaUnreachable, match="not trusted") as caught:
            await calls.request("GET", url)
        assert caught.value.problem is not None
        assert caught.value.problem.type == "kmtui:ca-untrusted"
        await calls.aclose()


async def test_the_environment_plays_no_part(
    tls_server: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, root = tls_server
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    calls = Transport(UrlPolicy(url), ca_bundle=root)
    assert (await calls.request("GET", url)).status == 200
    await calls.aclose()


async def test_a_given_proxy_is_used(tls_server: tuple[str, str]) -> None:
    url, root = tls_server
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        calls = Transport(UrlPolicy(url), ca_bundle=root, proxy=f"http://127.0.0.1:{port}")
        with pytest.raises(CaUnreachable) as caught:
            await calls.request("POST", url, content=b"{}")
        await calls.aclose()
    assert not isinstance(caught.value, ResponseLost)
    assert asked[0].startswith(b"CONNECT 127.0.0.1:")


async def test_nobody_listening_is_unreachable_not_lost() -> None:
    url = "http://127.0.0.1:1/"
    calls = Transport(UrlPolicy(url))
    with pytest.raises(CaUnreachable) as caught:
        await calls.request("POST", url, content=b"{}")
    assert not isinstance(caught.value, ResponseLost)
    await calls.aclose()


def test_objects_live_where_the_directory_says_services_are() -> None:
    policy = UrlPolicy("https://ca.test/directory")
    policy.admit(["https://acme.ca.test/new-order"])
    assert policy.allows("https://acme.ca.test/order/1")
    assert policy.allows("https://ca.test:8443/order/1")
    assert not policy.allows("https://elsewhere.test/order/1")
    with pytest.raises(ProtocolViolation, match=r"elsewhere\.test, a host its directory"):
        policy.check("https://elsewhere.test/order/1")


async def test_cookies_are_neither_kept_nor_sent() -> None:
    sent: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(200, headers=[("Set-Cookie", f"c{n}=x") for n in range(99)])

    calls = Transport(UrlPolicy(URL), http=httpx.MockTransport(answer))
    await calls.request("GET", URL)
    await calls.request("GET", URL)
    assert all("cookie" not in headers for headers in sent)


async def test_what_follows_a_gzip_stream_counts_as_well() -> None:
    stream = Stream(gzip.compress(b"{}") + b"\0" * 65536, 100_000)
    calls = transport(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))
    with pytest.raises(ProtocolViolation, match="larger than"):
        await calls.request("GET", URL)
    assert stream.taken <= LARGEST_BODY // 65536 + 1


async def test_an_answer_in_crumbs_is_refused() -> None:
    calls = transport(httpx.Response(200, stream=Stream(b"x", 100_000)))
    with pytest.raises(ProtocolViolation, match="pieces"):
        await calls.request("GET", URL)


async def test_connections_are_kept_and_no_more_are_opened_than_calls_at_once() -> None:
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.01)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        calls = Transport(UrlPolicy(url), in_flight=3)
        for _ in range(5):
            await calls.request("GET", url)
        assert opened == 1
        await asyncio.gather(*(calls.request("GET", url) for _ in range(12)))
        assert opened == 3
        await calls.aclose()
        await calls.request("GET", url)
        assert opened == 4
        await calls.aclose()
