"""What a server shows is taken as it is: with its chain, without its key, trusted or not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kmtui.core import inspection
from kmtui.core.errors import EndServerError, InvalidInput
from kmtui.core.imports.live import address_of, read_live
from tests.core.imports.made import Made, made, written
from tests.core.issuer import NOW, Issuer, called
from tests.servers.process import free_port

Serve = Callable[[Made, str], Awaitable[str]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts a TLS server that shows a PEM file's certificates; gives its address."""
    async with AsyncExitStack() as stack:

        async def start(each: Made, chain: str) -> str:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            path = written(tmp_path / "served.pem", each.key_pem + chain)
            context.load_cert_chain(path)
            port = free_port()
            server = await asyncio.start_server(
                lambda _, writer: writer.close(), "127.0.0.1", port, ssl=context
            )
            await stack.enter_async_context(server)
            return f"127.0.0.1:{port}"

        yield start


@pytest.mark.parametrize("as_url", [True, False])
async def test_the_chain_comes_as_it_is_shown(serve: Serve, as_url: bool) -> None:
    shop = made("shop.example.org", begins=NOW.replace(year=2020))  # expired, and nobody's root
    address = await serve(shop, shop.fullchain_pem)

    (certificate,) = await read_live(f"https://{address}/path" if as_url else address)

    (version,) = certificate.versions
    assert version.chain_pem == shop.fullchain_pem
    assert version.key_pem is None
    assert version.where == address


async def test_a_device_that_calls_itself_a_ca_is_taken(serve: Serve) -> None:
    device = Issuer(called("printer.example.org"))
    certificate = device.certificate
    shown = Made(certificate, device.key)
    address = await serve(shown, inspection.chain_pem([certificate]))

    (found,) = await read_live(address)

    assert found.in_use.facts.names == ("printer.example.org",)


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(EndServerError, match="shows no certificate"):
        await read_live(f"127.0.0.1:{free_port()}")


async def test_a_server_that_speaks_no_tls_is_told() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n" * 3)
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(greet, "127.0.0.1", port):
        with pytest.raises(EndServerError, match="handshake failed"):
            await read_live(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://www.example.org", ("www.example.org", 443)),
        ("https://www.example.org:8443/a?b", ("www.example.org", 8443)),
        ("https://[2001:db8::1]:8443", ("2001:db8::1", 8443)),
        ("www.example.org:993", ("www.example.org", 993)),
        ("www.example.org", ("www.example.org", 443)),
    ],
)
def test_addresses_are_read(text: str, expected: tuple[str, int]) -> None:
    assert tuple(address_of(text)) == expected


@pytest.mark.parametrize("text", ["https://", "https://a:b", "https://[", "a:99999", "a b", ":443"])
async def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await read_live(text)

    assert caught.value.field == "path"
