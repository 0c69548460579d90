"""What may be cut off: every point of every kind of deployment, in every layout.

A point is around an operation on the machine, after 1 KiB of a write there, or around a commit. At
it the connection is lost, or the process is killed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import Ran
from kmtui.model import TargetState
from tests.core.deployment.memory_host import Killed
from tests.core.deployment.scene import LAYOUTS, RELOAD, Scene, Stage, killed_at

Disk = dict[str, object]


async def first(stage: Stage, layout: str) -> Scene:
    """Nothing is there yet."""
    scene = await stage.scene(layout)
    scene.allowed = (None, 2)
    return scene


async def replacement(stage: Stage, layout: str) -> Scene:
    """Version 1 is there and proved."""
    scene = await stage.scene(layout)
    scene.allowed = (None, 1)
    assert (await scene.deploy(1)).state == TargetState.VERIFIED
    scene.allowed = (1, 2)
    return scene


async def once_more(stage: Stage, layout: str) -> Scene:
    """Version 2 is there already."""
    scene = await replacement(stage, layout)
    assert (await scene.deploy(2)).state == TargetState.VERIFIED
    scene.allowed = (2,)
    return scene


async def unproved(stage: Stage, layout: str) -> Scene:
    """Version 1 is there; whoever put it was killed before it was proved."""
    scene = await replacement(stage, layout)
    scene.allowed = (1,)
    scene.host.commands[RELOAD] = _killed
    with suppress(Killed):
        await scene.deploy(1)
    scene.host.commands[RELOAD] = scene.load
    scene.allowed = (1, 2)
    return scene


async def adoption(stage: Stage, layout: str) -> Scene:
    """Files of others are there, and the operator said that they may be taken over."""
    scene = await stage.scene(layout, adopt=True)
    scene.others_are_there()
    scene.allowed = ("foreign", 2)
    return scene


SCENES: tuple[Callable[[Stage, str], Awaitable[Scene]], ...] = (
    *(first, replacement, once_more, unproved, adoption),
)
LOST, KILLED, COMMIT = "connection lost", "killed on the machine", "killed at a commit"
FAULTS = (LOST, KILLED, COMMIT)


@dataclass(frozen=True)
class Case:
    """One kind of deployment, one layout and one kind of fault; it has many points."""

    begin: Callable[[Stage, str], Awaitable[Scene]]
    layout: str
    fault: str

    def __str__(self) -> str:
        return f"{self.begin.__name__}, {self.layout}, {self.fault}"

    async def undisturbed(self, stage: Stage) -> tuple[int, Disk]:
        """How many points a whole deployment has, and what it leaves on the machine."""
        scene = await self.begin(stage, self.layout)
        before = scene.host.points
        scene.context = killed_at(scene, None)
        target = await scene.deploy(2)
        assert target.state == TargetState.VERIFIED, target.error
        commits: int = scene.context.db.points  # type: ignore[attr-defined]
        return commits if self.fault == COMMIT else scene.host.points - before, _disk(scene)

    async def at(self, stage: Stage, point: int, left: Disk) -> None:
        """Cut off at a point, a deployment leaves a whole pair, and the next run finishes it.

        It then has `left` what an undisturbed one leaves, and nothing else.
        """
        scene = await self.begin(stage, self.layout)
        if self.fault == COMMIT:
            scene.context = killed_at(scene, point)
        else:
            scene.host.fault = _lost if self.fault == LOST else Killed
            scene.host.cut = scene.host.points + point
        with suppress(Killed):
            await scene.deploy(2)
        scene.host.reconnect()
        scene.context = scene.core.context

        target = await scene.now()
        if target.state != TargetState.VERIFIED or target.next_attempt_at is not None:
            target = await scene.deploy()

        assert target.state == TargetState.VERIFIED, target.error
        assert (target.version, target.next_attempt_at, target.former) == (2, None, None)
        assert (scene.in_effect(), scene.served) == (2, 2)
        assert _disk(scene) == left


def cases() -> Iterator[Case]:
    """All of them."""
    for begin in SCENES:
        for layout in LAYOUTS:
            yield from (Case(begin, layout, fault) for fault in FAULTS)


def _killed() -> Ran:
    raise Killed


def _lost() -> BaseException:
    return EndServerError("the connection was lost")


def _disk(scene: Scene) -> Disk:
    """What is on the machine, under the same names for all scenes."""
    number = scene.target.name.removeprefix("t")
    return {
        path.replace(f"shop{number}", "shop").replace(f"t{number}.pem", "t.pem"): node
        for path, node in scene.host.nodes.items()
    }
