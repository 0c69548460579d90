"""A deployment to a machine in memory, with a reader who looks at it at every point."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kmtui.core.context import Context
from kmtui.core.core import Core
from kmtui.core.deployment.attempt import Attempt
from kmtui.core.deployment.bundle import COMBINED, FULLCHAIN, PRIVKEY, Bundle
from kmtui.core.deployment.deployer import Deployer
from kmtui.core.deployment.hook import Hook
from kmtui.core.deployment.layouts import paths
from kmtui.core.servers.host import Ran
from kmtui.db import targets
from kmtui.model import Certificate, EndServer, Served, Target, Version
from tests.core.deployment import stock
from tests.core.deployment.memory_host import Directory, File, Killed, Link, MemoryHost

DIRECTORY = "/etc/tls/shop"
CHECK, RELOAD, VERIFY = "check config", "reload server", "www.example.org:443"
LAYOUTS = ("pair", "combined", "versioned")


@dataclass
class Scene:
    """A target on `host`, the server program there, and what a reader may find."""

    core: Core
    certificate: Certificate
    target: Target
    bundles: dict[int, Bundle]
    host: MemoryHost = field(default_factory=MemoryHost)
    context: Context = field(init=False)
    allowed: tuple[int | str | None, ...] = (None,)
    """What may be in effect at any point: a version, "foreign", or None for nothing."""
    foreign: dict[str, bytes] = field(default_factory=dict)
    served: int | str | None = None
    """What the server program has loaded."""
    seen: list[Any] = field(default_factory=list)
    """What was in effect at each point."""

    def __post_init__(self) -> None:
        self.context = self.core.context
        self.host.watch = self._look
        self.host.commands = {CHECK: lambda: Ran(0, "syntax is ok\n"), RELOAD: self.load}

    def in_effect(self) -> int | str | None:
        """Which version a reader finds; fails when it is no whole pair of one."""
        found = {name: self.host.content(path) for name, path in paths(self.target).items()}
        if all(content is None for content in found.values()):
            return None
        for number, bundle in self.bundles.items():
            if all(found[name] == bundle.files[name] for name in found):
                return number
        assert found == {name: self.foreign.get(name) for name in found}, (
            f"no pair: {[(name, content and len(content)) for name, content in found.items()]}"
        )
        return "foreign"

    def _look(self, host: MemoryHost) -> None:
        now = self.in_effect()
        assert now in self.allowed, f"{now} is in effect, only {self.allowed} may be"
        if self.seen[-1:] != [now]:
            self.seen.append(now)
        for path, file in host.files().items():
            if b"PRIVATE KEY" in file.content:
                assert not file.mode & 0o007, f"everybody may read {path}"

    def load(self) -> Ran:
        """What the server program does when it is told to reload."""
        found = self.in_effect()
        if found is None:
            return Ran(1, "cannot load certificate\n")
        self.served = found
        return Ran(0, "")

    async def prove(self, verify: str, version: Version, *, seconds: float = 0) -> Served:
        if self.served == version.number:
            return Served(outcome="verified", detail=f"{verify} serves version {version.number}")
        return Served(outcome="stale", detail=f"{verify} serves another certificate")

    async def deploy(self, version: int | None = None) -> Target:
        """One attempt, for `version` or the one that is wanted."""
        if version is not None:
            at = self.context.clock()
            await self.core.context.db.write(
                lambda s: targets.want(s, self.certificate.id, version, at, only=[self.target.id])
            )

        async def host_of(target: Target) -> MemoryHost:
            return self.host

        hook = Hook(Path("/nonexistent"))
        deployer = Deployer(self.context, self.core.certificates, host_of, hook, self.prove)
        await deployer.deploy(await Attempt.claim(self.context, self.target.id))
        return await self.now()

    async def now(self) -> Target:
        """The target as it is stored."""
        return await self.core.context.db.read(lambda s: targets.get(s, self.target.id))

    def others_are_there(self) -> None:
        """Files of somebody else are in the place of the target's."""
        directory = self.target.directory
        own = {PRIVKEY: b"PRIVATE KEY of others", FULLCHAIN: b"chain of others"}
        self.foreign = {**own, COMBINED: b"".join(own.values())}
        there = {
            path: self.foreign[name]
            for name, path in paths(self.target).items()
            if name in self.foreign
        }
        if self.target.layout == "versioned":
            self.foreign |= dict.fromkeys(paths(self.target), b"others") | own
            there = {
                f"{directory}/2024-05/{name}": self.foreign[name] for name in paths(self.target)
            }
            self.host.nodes[f"{directory}/2024-05"] = Directory()
            self.host.nodes[f"{directory}/current"] = Link("2024-05")
        self.host.nodes[directory] = Directory()
        for path, content in there.items():
            self.host.nodes[path] = File(content, 0o600)


@dataclass
class Stage:
    """Makes scenes: one certificate with two versions, a target for each scene."""

    core: Core
    certificate: Certificate
    server: EndServer
    bundles: dict[int, Bundle]
    made: int = 0

    async def scene(self, layout: str, **settings: Any) -> Scene:
        self.made += 1
        given = {"check_command": CHECK, "reload_command": RELOAD, "verify": VERIFY, **settings}
        target = await self.core.targets.add(
            self.certificate.id,
            f"t{self.made}",
            server=self.server.name,
            directory=f"{DIRECTORY}{self.made}",
            layout=layout,
            **given,
        )
        return Scene(self.core, self.certificate, target, self.bundles)


async def staged(core: Core, webroot: Path) -> Stage:
    """An inventory with an end server and a certificate of two versions."""
    server = await core.end_servers.add(
        "web1", kind="local", settings={"webroot": str(webroot)}, secrets={}
    )
    certificate = await stock.certificate(core)
    for _ in range(2):
        await stock.version(core, certificate)
    bundles = {number: await stock.files(core, certificate, number) for number in (1, 2)}
    return Stage(core, certificate, server, bundles)


class CutDatabase:
    """The database of a process that is killed at point number `at`: before or after a commit."""

    def __init__(self, db: Any, at: int | None) -> None:
        self._db = db
        self._at = at
        self.points = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def write(self, fn: Any) -> Any:
        self._point()
        result = await self._db.write(fn)
        self._point()
        return result

    def _point(self) -> None:
        self.points += 1
        if self._at is not None and self.points > self._at:
            raise Killed


def killed_at(scene: Scene, at: int | None) -> Context:
    """The scene's context for a process that is killed there; None: it only counts."""
    db: Any = CutDatabase(scene.core.context.db, at)
    return replace(scene.core.context, db=db)
