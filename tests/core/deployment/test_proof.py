"""What a server is seen to serve, compared by fingerprint and nothing else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kmtui.core.addresses import Address
from kmtui.core.core import Core
from kmtui.core.deployment import proof
from kmtui.core.deployment.bundle import COMBINED, Bundle
from kmtui.model import Version
from tests.core.deployment import stock
from tests.db import samples


@pytest.fixture
async def bundles(core: Core) -> list[Bundle]:
    """Two versions of www.example.org."""
    certificate = await stock.certificate(core)
    for _ in range(2):
        await stock.version(core, certificate)
    return [await stock.files(core, certificate, number) for number in (1, 2)]


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@asynccontextmanager
async def serving(
    bundle: Bundle | None, scratch: Path, handle: Handle = _silent
) -> AsyncIterator[tuple[str, list[str | None]]]:
    """A server on loopback with a version (None: without TLS), and the names it was asked for."""
    names: list[str | None] = []
    context = None
    if bundle is not None:
        path = scratch / "served.pem"
        path.write_bytes(bundle.files[COMBINED])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.sni_callback = lambda _, name, __: names.append(name)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", names


async def test_the_version_is_recognised_by_its_fingerprint_trusted_or_not(
    bundles: list[Bundle], tmp_path: Path
) -> None:
    async with serving(bundles[0], tmp_path) as (address, names):
        served = await proof.prove(address, bundles[0].version)

    assert (served.outcome, served.sha256) == ("verified", bundles[0].version.sha256)
    assert served.detail == f"{address} serves version 1"
    assert names == ["www.example.org"]


async def test_another_certificate_is_told_with_what_it_is(
    bundles: list[Bundle], tmp_path: Path
) -> None:
    async with serving(bundles[0], tmp_path) as (address, _):
        served = await proof.prove(address, bundles[1].version)

    old = bundles[0].version
    assert served.outcome == "stale"
    assert (served.serial, served.sha256, served.not_after) == (
        *(old.serial, old.sha256),
        old.not_after,
    )
    assert old.serial in served.detail
    assert f"{old.not_after:%Y-%m-%d}" in served.detail


async def test_nobody_there_and_no_tls_are_told_apart(
    bundles: list[Bundle], tmp_path: Path
) -> None:
    async def in_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with serving(None, tmp_path, in_clear) as (address, _):
        plain = await proof.prove(address, bundles[0].version)
    gone = await proof.prove(address, bundles[0].version)

    assert (plain.outcome, gone.outcome) == ("unreachable", "unreachable")
    assert "shows no certificate" in plain.detail
    assert "refused" in gone.detail.lower()
    assert plain.detail != gone.detail


async def test_a_server_that_says_nothing_costs_a_limited_time(
    bundles: list[Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "ONE_LOOK", 0.2)

    async with serving(None, tmp_path) as (address, _):
        served = await proof.prove(address, bundles[0].version)

    assert (served.outcome, served.detail) == ("unreachable", f"{address} does not answer")


async def test_it_looks_again_until_the_version_is_there(
    bundles: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "BETWEEN", 0.01)
    old, new = (_der(bundle.version) for bundle in bundles)
    shown = [ConnectionRefusedError(111, "refused"), old, old, new]

    async def look(address: Address, server_name: str | None) -> bytes:
        answer = shown.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    served = await proof.prove("[::1]:443", bundles[1].version, seconds=5, look=look)

    assert (served.outcome, shown) == ("verified", [])


async def test_what_is_no_certificate_is_no_reason_to_fall_over(bundles: list[Bundle]) -> None:
    async def look(address: Address, server_name: str | None) -> bytes:
        return b"\x30\x03 no"

    served = await proof.prove("localhost:443", bundles[0].version, look=look)

    assert served.outcome == "unreachable"


@pytest.mark.parametrize(
    ("names", "asked_for"),
    [
        (("a.example.org", "b.example.org"), "a.example.org"),
        (("*.example.org", "example.org"), "example.org"),
        (("*.example.org",), "www.example.org"),
        (("192.0.2.1", "2001:db8::1"), None),
        (("192.0.2.1", "*.example.org"), "www.example.org"),
    ],
)
def test_a_name_that_the_certificate_has_is_asked_for(
    names: tuple[str, ...], asked_for: str | None
) -> None:
    version = replace(samples.version(samples.certificate()), names=names)

    assert proof.name_to_ask_for(version) == asked_for


def _der(version: Version) -> bytes:
    return ssl.PEM_cert_to_DER_cert(version.chain_pem.partition("-----END")[0] + _END)


_END = "-----END CERTIFICATE-----\n"
