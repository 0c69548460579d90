"""A core whose CA is the fake one, with a wall clock to turn, and a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kmtui.core.acme import AcmeClient, Pace
from kmtui.core.core import Core
from kmtui.core.recovery import Recovered
from kmtui.model import Request, RequestSpec
from tests.core.acme.conftest import ca, client, clock, key, ready, signer
from tests.core.acme.fake_ca import DIRECTORY, Clock, FakeCa
from tests.core.conftest import bench, core

__all__ = ["bench", "ca", "client", "clock", "core", "key", "ready", "signer"]


class Wall:
    """The time of day, as far ahead as a test wants it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Desk:
    """An inventory with one account at the fake CA, and a web root for http-01."""

    core: Core
    ca: FakeCa
    wall: Wall
    webroot: Path
    data: Path

    async def obtain(self, *names: str, **more: Any) -> Request:
        """A request, once nothing more can be done about it for now."""
        spec = RequestSpec(names=names, account="ops")
        request = await self.core.requests.create(spec, **more)
        return await self.core.requests.wait(request.id, seconds=20)

    async def restart(self) -> Recovered:
        """End the process and start another one, which looks for unfinished work."""
        await self.core.close(seconds=5)
        self.core = await Core.open(self.data, actor="tester@here", clock=self.wall)
        await self.core.access.unlock_with_key_file(self.data.parent / "vault.key")
        return await self.core.recovery.run()

    def published(self) -> list[Path]:
        """The challenge answers that lie in the web root."""
        return [path for path in self.webroot.rglob("*") if path.is_file()]

    async def log(self, request: Request) -> str:
        return "\n".join(line.text for line in await self.core.requests.log(request.id))


@pytest.fixture
async def desk(
    tmp_path: Path, ca: FakeCa, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    pace = Pace(jitter=lambda: 0.0)
    client = partial(AcmeClient, http=ca.transport, sleep=clock.sleep, clock=clock, pace=pace)
    monkeypatch.setattr("kmtui.core.ca.AcmeClient", client)
    monkeypatch.setattr("kmtui.core.challenges.http01.PAUSE", 0.0)
    wall, webroot, data = Wall(), tmp_path / "www", tmp_path / "data"
    webroot.mkdir()
    core = await Core.open(data, actor="tester@here", clock=wall)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add("fake", directory_url=DIRECTORY)
    await core.accounts.register("ops", ca="fake", email="ops@example.org")
    settings = {"webroot": str(webroot), "probe": "127.0.0.1:1"}
    await core.end_servers.add("web", kind="local", settings=settings)
    await core.mappings.add("example.org", server="web")
    await core.mappings.add(".example.org", server="web")
    desk = Desk(core, ca, wall, webroot, data)
    yield desk
    await desk.core.close(seconds=5)
