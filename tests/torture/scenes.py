"""What kmtui is doing when something happens to it: scenes over a prepared inventory."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kmtui.core.clock import utc_now
from kmtui.core.core import Core
from kmtui.model import Request, RequestKind, RequestSpec
from tests.torture import forks
from tests.torture.watch import Watch
from tests.torture.world import ZONE, World, running

ACCOUNT = "practice"


@dataclass(frozen=True)
class Scene:
    """One job, and how its http-01 is answered."""

    name: str
    names: tuple[str, ...]
    renewal: bool = False
    web_server: bool = True
    bare: bool = False
    """Whether nobody has used http-01 below the web root before."""

    def world(self, home: Path) -> AbstractContextManager[World]:
        """The world it plays in."""
        return running(home, web_server=self.web_server, bare=self.bare)


EVERY_WAY = (f"www.{ZONE}", f"api.{ZONE}", ZONE, f"*.{ZONE}")
"""http-01 for the first, dns-01 for the rest; the last two share one TXT name."""

SCENES = (
    Scene("issue", EVERY_WAY),
    Scene("renew", EVERY_WAY, renewal=True, bare=True),
    Scene("listener", (f"www.{ZONE}", f"api.{ZONE}"), web_server=False),
)


class Clock:
    """The time of day, which can be moved on."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def pass_by(self, moment: datetime) -> None:
        """Make it a second later than `moment`, unless it is later already."""
        self.ahead += max(moment - self(), timedelta(0)) + timedelta(seconds=1)


@dataclass(frozen=True)
class Place:
    """A directory with an inventory and its key file."""

    home: Path

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def key_file(self) -> Path:
        """What opens the vault."""
        return self.home / "vault.key"

    def copy(self, home: Path) -> Place:
        """Another inventory just like it; an earlier one in `home` goes."""
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home)
        return Place(home)

    @asynccontextmanager
    async def opened(self, clock: Clock | None = None) -> AsyncIterator[Core]:
        """The core, unlocked."""
        core = await Core.open(self.data, actor="torture@here", clock=clock or Clock())
        try:
            if core.access.initialised:
                await core.access.unlock_with_key_file(self.key_file)
            else:
                await core.access.initialise_with_key_file(self.key_file)
            yield core
        finally:
            await core.close(seconds=5)


def prepare(scene: Scene, world: World, home: Path) -> Place:
    """The inventory that a scene starts from; for a renewal, with a version that is saved."""
    home.mkdir(parents=True)
    place = Place(home)

    async def work() -> None:
        Watch().install()
        async with place.opened() as core:
            await _set_up(core, world)
            if scene.renewal:
                first = await core.requests.create(_spec(scene))
                ended = await core.requests.wait(first.id, seconds=30)
                assert ended.status == "saved", ended.problem

    life = forks.warm_up(work)
    assert not life.error, life.error
    return place


async def begin(core: Core, scene: Scene) -> Request:
    """Ask for what the scene is about; a job works on it from now on."""
    if not scene.renewal:
        return await core.requests.create(_spec(scene))
    certificate = await core.certificates.get(scene.names[0])
    return await core.requests.create(
        _spec(scene),
        kind=RequestKind.RENEW,
        certificate_id=certificate.id,
        after_version=1,
    )


def _spec(scene: Scene) -> RequestSpec:
    return RequestSpec(names=scene.names, account=ACCOUNT, auto_save="always")


async def _set_up(core: Core, world: World) -> None:
    facts = world.facts
    await core.cas.add("sandbox", directory_url=facts["directory_url"])
    await core.accounts.register(ACCOUNT, ca="sandbox", email=f"ops@{ZONE}", agree_tos=True)
    await core.dns_accounts.add(
        "lab",
        provider="rfc2136",
        settings={
            "server": facts["dns_server"],
            "tsig_name": facts["tsig_name"],
            "tsig_algorithm": facts["tsig_algorithm"],
            "resolvers": facts["resolvers"],
            "propagation_timeout": "5",
        },
        secrets={"tsig_secret": facts["tsig_secret"]},
        zones=[ZONE],
    )
    await core.end_servers.add(
        "root", kind="local", settings={"webroot": str(world.web_root), "probe": facts["http"]}
    )
    await core.end_servers.add(
        "listener", kind="standalone", settings={"listen": facts["http"], "probe": facts["http"]}
    )
    await core.mappings.add(f".{ZONE}", dns="lab")
    web = "root" if facts["web_server"] else "listener"
    await core.mappings.add(f"www.{ZONE}", server=web)
