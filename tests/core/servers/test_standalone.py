"""The built-in listener: what it answers, and when it listens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from kmtui.core.errors import EndServerError, ProtocolViolation
from kmtui.core.servers import listener
from kmtui.core.servers.server import Shared
from kmtui.core.servers.standalone import Standalone

TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
OTHER = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
ANSWER = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"


@pytest.fixture
async def shared() -> AsyncIterator[Shared]:
    shared = Shared()
    yield shared
    await shared.close()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def server(shared: Shared, port: int) -> Standalone:
    return Standalone({"listen": f"127.0.0.1:{port}"}, {}, shared)


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: example.org\r\n\r\n".encode()


async def test_serves_the_key_authorization_as_plain_text(server: Standalone, port: int) -> None:
    await server.present(TOKEN, ANSWER)

    head, _, body = (await ask(port, get(f"/.well-known/acme-challenge/{TOKEN}"))).partition(
        b"\r\n\r\n"
    )

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: text/plain\r\n" in head
    assert body == ANSWER.encode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (f"GET http://example.org/.well-known/acme-challenge/{TOKEN} HTTP/1.1\r\n\r\n", 200),
        (f"HEAD /.well-known/acme-challenge/{TOKEN} HTTP/1.1\r\n\r\n", 200),
        (f"GET /.well-known/acme-challenge/{OTHER} HTTP/1.1\r\n\r\n", 404),
        ("GET /.well-known/acme-challenge/ HTTP/1.1\r\n\r\n", 404),
        ("GET / HTTP/1.1\r\n\r\n", 404),
        (f"GET /{TOKEN} HTTP/1.1\r\n\r\n", 404),
        (f"POST /.well-known/acme-challenge/{TOKEN} HTTP/1.1\r\n\r\n", 405),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nX: " + "x" * 20000 + "\r\n\r\n", 431),
    ],
)
async def test_answers_known_tokens_and_nothing_else(
    server: Standalone, port: int, request_bytes: str, status: int
) -> None:
    await server.present(TOKEN, ANSWER)

    answer = await ask(port, request_bytes.encode())

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (ANSWER.encode() in answer) == (status == 200 and not request_bytes.startswith("HEAD"))


async def test_listens_only_while_there_is_an_answer(
    shared: Shared, server: Standalone, port: int
) -> None:
    twin = Standalone({"listen": f"127.0.0.1:{port}"}, {}, shared)
    first = await server.present(TOKEN, ANSWER)
    second = await twin.present(OTHER, "other")

    await server.clean_up(first)
    assert b"other" in await ask(port, get(f"/.well-known/acme-challenge/{OTHER}"))
    await twin.clean_up(second)
    await twin.clean_up(second)

    with pytest.raises(ConnectionRefusedError):
        await ask(port, get("/"))


async def test_an_answer_that_is_not_ours_stays(server: Standalone, port: int) -> None:
    handle = await server.present(TOKEN, ANSWER)

    await server.clean_up({**handle, "key_authorization": "another's"})

    assert ANSWER.encode() in await ask(port, get(f"/.well-known/acme-challenge/{TOKEN}"))


async def test_clean_up_after_a_restart_succeeds(port: int) -> None:
    server = Standalone({"listen": f"127.0.0.1:{port}"}, {}, Shared())

    await server.clean_up({"token": TOKEN, "key_authorization": ANSWER})


async def test_a_slow_visitor_is_dropped(
    server: Standalone, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "PATIENCE", 0.05)
    await server.present(TOKEN, ANSWER)

    assert await ask(port, b"GET /.well-known") == b""


async def test_a_waiting_visitor_does_not_delay_the_end(server: Standalone, port: int) -> None:
    handle = await server.present(TOKEN, ANSWER)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET ")
    await asyncio.sleep(0.05)

    async with asyncio.timeout(1):
        await server.clean_up(handle)
        assert await reader.read() == b""
    writer.close()


async def test_a_taken_port_is_explained(server: Standalone, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(EndServerError, match="already in use") as refused:
            await server.present(TOKEN, ANSWER)
        (line,) = await server.check()

    assert "stop what listens there" in refused.value.hint
    assert not line.ok


async def test_a_forbidden_port_is_explained(
    server: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio, "start_server", forbidden)

    with pytest.raises(EndServerError, match="not allowed to listen") as refused:
        await server.present(TOKEN, ANSWER)
    assert "setcap" in refused.value.hint


async def test_check_before_and_while_listening(server: Standalone) -> None:
    (before,) = await server.check()
    await server.present(TOKEN, ANSWER)
    (during,) = await server.check()

    assert before.ok
    assert "can listen" in before.text
    assert during.ok
    assert "listening on" in during.text


async def test_a_token_that_is_no_token_is_refused(server: Standalone) -> None:
    with pytest.raises(ProtocolViolation):
        await server.present("../x", ANSWER)
