"""Killed at every point: before and after each effect and each commit of an issuance."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture import afterwards, forks, scenes
from tests.torture.afterwards import Report
from tests.torture.invariants import Judge
from tests.torture.scenes import Place, Scene
from tests.torture.watch import Kill, Watch
from tests.torture.world import World


@dataclass
class Tally:
    """What was done, and what was found wrong."""

    what: str
    cases: int = 0
    kills: int = 0
    struck: int = 0
    """Cases in which a fault stopped the work, at least for a while."""
    recoveries: int = 0
    """Later lives that took up what was left."""
    points: Counter[str] = field(default_factory=Counter)
    """How often each kind of point was the fatal one."""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    more: str = ""
    """Another figure, which nobody judges."""

    def count(self, life: forks.Life, point: str) -> None:
        """Note whether a life was ended as planned."""
        if life.killed:
            self.kills += 1
            self.points[point] += 1

    def line(self) -> str:
        """The figures on one line."""
        ended = f"{self.kills} kills" if self.kills else f"{self.struck} stopped"
        return (
            f"{self.what}: {self.cases} cases at {len(self.points)} kinds of point, {ended},"
            f" {self.recoveries} recoveries, {len(self.wrong)} wrong, {self.seconds:.0f} s"
            f"{self.more and ', '}{self.more}"
        )


class Torture:
    """One scene in one world, killed over and over."""

    def __init__(self, scene: Scene, outside: World, home: Path) -> None:
        self.scene = scene
        self.world = outside
        self.home = home
        self.tally = Tally("")
        self.template = scenes.prepare(scene, outside, home / "template")
        self.known = frozenset(outside.issued())
        trial = self.template.copy(home / "case")
        whole = forks.warm_up(lambda: self._run(trial, Kill()))
        assert not whole.error, whole.error
        self.points = [
            (kind, turn) for kind, times in whole.result.items() for turn in range(1, times + 1)
        ]
        """Every point of an undisturbed run."""

    def at_every_point(self, *, every: int = 1) -> Tally:
        """Kill at each point, or in the stride `every` through them: kinds come before turns."""
        self.tally = Tally(f"kill {self.scene.name}")
        started = time.monotonic()
        for kind, turn in sorted(self.points, key=lambda point: (point[1], point[0]))[::every]:
            self._case(kind, turn)
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def at_pairs(self, count: int, seed: int = 1) -> Tally:
        """Kill the run, then the recovery too, at random points; then recover from both."""
        self.tally = Tally(f"kill {self.scene.name} twice")
        started = time.monotonic()
        chance = random.Random(seed)
        for _ in range(count):
            self._case(*chance.choice(self.points), chance.choice(self.points))
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _case(self, kind: str, turn: int, again: tuple[str, int] | None = None) -> None:
        """Kill at one point, recover, judge."""
        issued = frozenset(self.world.issued())
        place = self.template.copy(self.home / "case")
        where = f"{self.scene.name}, {kind} {turn}"
        first = forks.live(lambda: self._run(place, Kill(kind, turn)))
        self.tally.count(first, kind)
        keys = forks.live(lambda: afterwards.committed(place))
        lives = [first, keys]
        if again is not None:
            where += f", then {again[0]} {again[1]}"
            second = forks.live(lambda: afterwards.take_up(place, Kill(*again)))
            self.tally.count(second, again[0])
            lives.append(second)
        last = forks.live(lambda: afterwards.take_up(place, Watch()))
        self.tally.cases += 1
        self.tally.recoveries += 1
        found = [life.error or "stuck" for life in (*lives, last) if life.error or life.stuck]
        if not found:
            judge = Judge(self.world, self.scene.names, issued, self.known)
            found = judge.violations(Report.of(last.result), place, keys.result)
        self.tally.wrong += [f"{where}: {each}" for each in found]

    async def _run(self, place: Place, kill: Kill) -> dict[str, int]:
        kill.install()
        async with place.opened() as core:
            request = await scenes.begin(core, self.scene)
            await core.requests.wait(request.id, seconds=afterwards.WAIT)
        return dict(kill.passed)


def run(scene: Scene, *, every: int = 1, pairs: int = 0) -> Iterator[Tally]:
    """Torture one scene, in a world and directories of its own."""
    with tempfile.TemporaryDirectory(prefix="kmtui-torture-") as directory:
        home = Path(directory)
        with scene.world(home / "world") as outside:
            torture = Torture(scene, outside, home)
            yield torture.at_every_point(every=every)
            if pairs:
                yield torture.at_pairs(pairs)
