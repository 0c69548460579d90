"""What the probe of http-01 sees and how it explains what is wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from kmtui.core.addresses import Address
from kmtui.core.challenges import probe
from kmtui.core.servers.server import Shared
from kmtui.core.servers.standalone import Standalone

NAME = "www.example.test"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
ANSWER = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
PATH = f"/.well-known/acme-challenge/{TOKEN}"

Site = Callable[[str, str], bytes]
"""Host header and path to a whole response."""


async def on_loopback(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[Address]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = head.lower().partition("\r\nhost: ")[2].partition("\r\n")[0]
        writer.write(site(host, head.split(" ")[1]))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])


def page(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def redirect(target: str) -> bytes:
    return f"HTTP/1.1 301 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_sees_the_answer_of_the_built_in_listener() -> None:
    shared = Shared()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Standalone({"listen": f"127.0.0.1:{port}"}, {}, shared)
    await server.present(TOKEN, ANSWER)

    sight = await probe.check(NAME, TOKEN, ANSWER, port=port, resolve=on_loopback)
    await shared.close()

    assert (sight.seen, sight.detail, sight.name) == (True, "", NAME)
    assert sight.address == f"127.0.0.1:{port}"


async def test_asks_for_the_name_at_the_given_address() -> None:
    asked = []

    def site(host: str, path: str) -> bytes:
        asked.append((host, path))
        return page(ANSWER + "\r\n")

    async with serving(site) as address:
        sight = await probe.check(NAME, TOKEN, ANSWER, address=address)

    assert sight.seen
    assert asked == [(NAME, PATH)]


async def test_follows_redirects_to_other_names_and_paths() -> None:
    async with serving(
        lambda host, path: page(ANSWER) if path == "/two" else redirect("/two")
    ) as there:

        def site(host: str, path: str) -> bytes:
            return redirect(f"http://other.example.test:{there.port}/one")

        async with serving(site) as here:
            sight = await probe.check(
                NAME, TOKEN, ANSWER, port=there.port, address=here, resolve=on_loopback
            )

    assert sight.seen
    assert sight.address == str(there)


@pytest.mark.parametrize(
    ("response", "explanation"),
    [
        (page("gone", "404 Not Found"), "answers 404 Not Found"),
        (page("<html>Welcome to \n the default page" + "!" * 80), "answers something else: <html>"),
        (page(""), "answers something else: an empty page"),
        (page(ANSWER + "x"), "answers something else"),
        (page("x" * 1_000_000), "answers something else"),
        (redirect(PATH), "redirects in a circle"),
        (redirect("http://www.example.test:8443/"), "port 8443; CAs go to 80 and 443 only"),
        (redirect("ftp://www.example.test/"), "which no CA follows"),
        (redirect("http://www.example.test:x/"), "no proper HTTP answer"),
        (b"SSH-2.0-OpenSSH\r\n", "no proper HTTP answer"),
        (b"", "no proper HTTP answer"),
    ],
)
async def test_explains_what_a_ca_would_not_accept(response: bytes, explanation: str) -> None:
    async with serving(lambda host, path: response) as address:
        sight = await probe.check(NAME, TOKEN, ANSWER, address=address)

    assert not sight.seen
    assert explanation in sight.detail
    assert len(sight.detail) < 200


async def test_ends_an_endless_chain_of_redirects() -> None:
    async with serving(lambda host, path: redirect(path + "x")) as address:
        sight = await probe.check(NAME, TOKEN, ANSWER, address=address)

    assert sight.detail == "redirects more than 10 times"


async def test_explains_a_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    sight = await probe.check(NAME, TOKEN, ANSWER, address=Address("127.0.0.1", port))

    assert "connection refused" in sight.detail


async def test_falls_back_to_the_next_address() -> None:
    async def both(host: str) -> Sequence[str]:
        return ["127.0.0.1", "::1"]

    async with serving(lambda host, path: page(ANSWER)) as address:
        sight = await probe.check(NAME, TOKEN, ANSWER, port=address.port, resolve=both)

    assert sight.seen
    assert sight.address == str(address)


async def test_a_name_without_an_address_is_explained() -> None:
    async def nowhere(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    sight = await probe.check(NAME, TOKEN, ANSWER, resolve=nowhere)

    assert sight.detail == f"{NAME} has no address in DNS"


async def test_gives_up_on_a_server_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.2)
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]

    sight = await probe.check(NAME, TOKEN, ANSWER, address=Address("127.0.0.1", port))
    silent.close()

    assert not sight.seen
    assert "no answer" in sight.detail


@pytest.mark.parametrize(
    ("name", "port", "url"),
    [
        ("example.org", 80, f"http://example.org{PATH}"),
        ("example.org", 5002, f"http://example.org:5002{PATH}"),
        ("2001:db8::1", 80, f"http://[2001:db8::1]{PATH}"),
    ],
)
def test_the_url_a_ca_asks_for(name: str, port: int, url: str) -> None:
    assert probe.challenge_url(name, TOKEN, port=port) == url
