"""A certificate with two versions, an end server to put them on, and an operator at its targets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.core.deployment.bundle import FULLCHAIN, PRIVKEY
from kmtui.model import Certificate, Target
from tests.core.deployment import stock
from tests.screens.workbench import NARROW, WIDE, opened, press, shows

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE])


@pytest.fixture
async def shop(core: Core, tmp_path: Path) -> Certificate:
    """A certificate with two versions, and an end server to put them on; no target yet."""
    await core.end_servers.add("web", kind="local", settings={"webroot": str(tmp_path)})
    certificate = await stock.certificate(core, "shop")
    await stock.version(core, certificate)
    await stock.version(core, certificate)
    return certificate


async def add(core: Core, tmp_path: Path, name: str = "web1", **settings: Any) -> Target:
    return await core.targets.add(
        *("shop", name), server="web", directory=str(tmp_path / "tls" / name), **settings
    )


async def now(core: Core, name: str = "web1") -> Target:
    return await core.targets.get("shop", name)


async def deployed(core: Core, version: int = 2) -> None:
    started = await core.deployments.deploy("shop", version=version)
    await core.deployments.wait([target.id for target in started])


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[str]:
    """A TLS server that shows the pair in a directory as it is now; its HOST:PORT."""

    def take_up(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        fresh.load_cert_chain(directory / FULLCHAIN, directory / PRIVKEY)
        connection.context = fresh

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = take_up
    server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def flat(text: str) -> str:
    """A text as if it had not been broken into lines, nor framed."""
    return " ".join(text.replace("│", " ").split())


@asynccontextmanager
async def at_targets(core: Core, size: tuple[int, int] = NARROW) -> AsyncIterator[Pilot[None]]:
    """The certificate's screen, at the list of its targets."""
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        await shows(pilot, "Versions 2")
        await press(pilot, "tab", "tab")
        yield pilot
