"""A disk that is full, or refuses to write, from any step on; then it has room again.

Full is real where this process may mount: a small tmpfs in a mount namespace of its own, filled up
to the last page (ENOSPC). Refusing is a limit on file sizes (EFBIG), which needs no rights.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kmtui.core.errors import DatabaseError
from kmtui.model import RequestStatus
from tests.torture import afterwards, forks, scenes
from tests.torture.afterwards import Report
from tests.torture.invariants import Judge
from tests.torture.kills import Tally
from tests.torture.scenes import Clock, Place, Scene
from tests.torture.watch import AtPoint, Watch
from tests.torture.world import World

SIZE = "3m"
"""Of the small disk: an inventory is a few hundred kilobytes."""
INSIDE = "KMTUI_TORTURE_DISK"
"""Tells the process inside the mount namespace where the small disk goes."""


class Full(AtPoint):
    """Fills the disk of `ballast` at one point; without one, all writing to files is refused."""

    def __init__(self, kind: str = "", turn: int = 0, *, ballast: Path | None = None) -> None:
        super().__init__(kind, turn)
        self._ballast = ballast

    def strike(self) -> None:
        if self._ballast is None:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            return
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"\0" * 4096):
                continue

    def over(self) -> None:
        """There is room again."""
        if self._ballast is None:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        else:
            self._ballast.unlink(missing_ok=True)


class Disks:
    """One scene in one world, on a disk that gets full; `small` is the directory on a small one."""

    def __init__(self, scene: Scene, outside: World, home: Path, small: Path | None) -> None:
        self.scene = scene
        self.world = outside
        self.case = (small or home) / "case"
        self.ballast = small / "ballast" if small else None
        self.tally = Tally(f"disk {'full' if small else 'refuses'}")
        self.template = scenes.prepare(scene, outside, home / "template")
        self.known = frozenset(outside.issued())
        trial = self.template.copy(self.case)
        whole = forks.warm_up(lambda: self._run(trial, Full()))
        assert not whole.error, whole.error
        self.points = [
            (kind, turn)
            for kind, times in whole.result["passed"].items()
            for turn in range(1, times + 1)
            if kind.startswith("before ")
        ]

    def at_every_point(self, *, every: int = 1) -> Tally:
        """Fill it before each effect and each commit."""
        started = time.monotonic()
        for number, (kind, turn) in enumerate(self.points):
            if number % every == 0:
                self._case(kind, turn)
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _case(self, kind: str, turn: int) -> None:
        issued = frozenset(self.world.issued())
        place = self.template.copy(self.case)
        full = Full(kind, turn, ballast=self.ballast)
        first = forks.live(lambda: self._run(place, full))
        second = forks.live(lambda: afterwards.take_up(place, Watch()))
        self.tally.cases += 1
        self.tally.points[kind] += 1
        self.tally.recoveries += 2
        found = [life.error or "stuck" for life in (first, second) if life.error or life.stuck]
        if not found:
            judge = Judge(self.world, self.scene.names, issued, self.known)
            committed = first.result["committed"]
            self.tally.struck += first.result["stopped"]
            # Once by the process that met it, and once more by the next one.
            for document in (first.result["report"], second.result):
                found += judge.violations(Report.of(document), place, committed)
        self.tally.wrong += [f"{self.tally.what}, {kind} {turn}: {each}" for each in found]

    async def _run(self, place: Place, full: Full) -> dict[str, Any]:
        full.install()
        clock = Clock()
        async with place.opened(clock) as core:
            stopped = True
            with suppress(DatabaseError):
                request = await scenes.begin(core, self.scene)
                ended = await core.requests.wait(request.id, seconds=afterwards.WAIT)
                stopped = RequestStatus(ended.status).active
            full.over()
            committed = await afterwards.keys_of(core)
            report = await afterwards.settle(core, clock, full, place)
        return {
            "passed": full.passed,
            "stopped": stopped,
            "committed": committed,
            "report": asdict(report),
        }


def run(scene: Scene, *, every: int = 1) -> list[Tally]:
    """Both kinds of trouble, each in a world and directories of its own."""
    small = Path(os.environ[INSIDE]) if INSIDE in os.environ else None
    tallies = []
    for disk in (None, small) if small else (None,):
        with tempfile.TemporaryDirectory(prefix="kmtui-torture-") as directory:
            home = Path(directory)
            with scene.world(home / "world") as outside:
                tallies.append(Disks(scene, outside, home, disk).at_every_point(every=every))
    return tallies


def with_a_small_disk(argv: list[str]) -> int | None:
    """Run the torture again where a small disk is mounted; None where that is not allowed."""
    unshare = shutil.which("unshare")
    if INSIDE in os.environ or unshare is None:
        return None
    rights = ["--mount"] if os.geteuid() == 0 else ["--map-root-user", "--mount"]
    with tempfile.TemporaryDirectory(prefix="kmtui-disk-") as disk:
        mount = ["sh", "-c", f'mount -t tmpfs -o size={SIZE} kmtui "$0" && exec "$@"', disk]
        trial = subprocess.run([unshare, *rights, *mount, "true"], capture_output=True, check=False)
        if trial.returncode != 0:
            return None
        return subprocess.run(
            [unshare, *rights, *mount, sys.executable, *argv],
            env={**os.environ, INSIDE: disk},
            check=False,
        ).returncode
