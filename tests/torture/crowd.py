"""Many processes on one inventory: two that watch and write, four that renew, some of them killed.

Each due certificate must be renewed exactly once, and nobody may hear of a busy database.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from kmtui.core import recovery
from kmtui.core.core import Core
from kmtui.core.errors import KmtuiError
from kmtui.db import renewal
from kmtui.model import ListQuery, RenewalPlan, RequestSpec
from tests.torture import afterwards, forks, scenes, world
from tests.torture.invariants import plain
from tests.torture.kills import Tally
from tests.torture.scenes import ACCOUNT, SCENES, Clock, Place
from tests.torture.watch import Watch
from tests.torture.world import FOREIGN_TXT, ZONE, World

RUNNERS, ONLOOKERS = 4, 2


@dataclass(eq=False)
class Member:
    """One process; what it says goes to a file, as a pipe that nobody reads would stop it."""

    process: subprocess.Popen[str]
    out: IO[str]

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """As hard as it goes."""
        self.process.kill()
        self.last_words(seconds=10)

    def last_words(self, *, seconds: float) -> str:
        """Ask it to end, wait until it did, and hand out all it said."""
        self.process.communicate("", timeout=seconds)
        self.out.seek(0)
        with self.out as out:
            return out.read()


class Crowd:
    """The processes around one inventory with `count` due certificates."""

    def __init__(self, outside: World, home: Path, count: int, *, seed: int) -> None:
        self.world = outside
        self.count = count
        self.tally = Tally(f"crowd of {RUNNERS + ONLOOKERS} on {count} certificates")
        self.place = scenes.prepare(SCENES[0], outside, home / "template")
        self._chance = random.Random(seed)
        self._pause = 2.0 if count < 50 else 8.0
        """Seconds at most between two kills: more work is killed less often, to be half done."""
        self._patience = 10.0 * count + 120
        self._outputs = home / "said"
        self._outputs.mkdir()
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KMTUI_DATA": str(self.place.data),
            "KMTUI_KEY_FILE": str(self.place.key_file),
        }
        prepared = forks.live(self._prepare, seconds=600)
        assert not prepared.error, prepared.error

    def go(self, kills: int) -> Tally:
        """Let all of them work, kill some and start them anew, until nothing is due any more."""
        started = time.monotonic()
        onlookers = [self._onlooker() for _ in range(ONLOOKERS)]
        runners: list[Member] = []
        finished = 0
        while finished < RUNNERS or self.tally.kills < kills:
            while len(runners) < RUNNERS:
                runners.append(self._runner())
            time.sleep(self._chance.uniform(0.3, self._pause))
            for runner in [each for each in runners if each.ended]:
                runners.remove(runner)
                finished += self._ended(runner)
            if self.tally.kills < kills:
                self._kill(onlookers, runners)
            if time.monotonic() - started > self._patience:
                self.tally.wrong.append("it never ends")
                break
        for runner in runners:
            self._ended(runner)
        waits = sorted(wait for onlooker in onlookers for wait in self._heard(onlooker))
        if waits:
            self.tally.more = f"99 of 100 writes within {waits[int(len(waits) * 0.99)]:.2f} s"
        self._ended(self._runner())
        self.tally.wrong += self._violations()
        self.tally.cases = self.count
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _kill(self, onlookers: list[Member], runners: list[Member]) -> None:
        """Kill whoever holds the renewal lock, mostly: the others have less to lose."""
        crowd = [*onlookers, *runners]
        with suppress(OSError, ValueError):
            at_work = int((self.place.data / "locks" / "renew.lock").read_text())
            crowd += [each for each in runners if each.process.pid == at_work] * len(crowd)
        victim = self._chance.choice(crowd)
        if victim.ended:
            return
        victim.kill()
        self.tally.kills += 1
        if victim in onlookers:
            self.tally.points["onlooker"] += 1
            onlookers[onlookers.index(victim)] = self._onlooker()
        else:
            self.tally.points["runner"] += 1
            self.tally.recoveries += 1
            runners.remove(victim)

    def _runner(self) -> Member:
        return self._start("-m", "kmtui", "--json", "renew", "--due", "--limit", str(self.count))

    def _onlooker(self) -> Member:
        return self._start("-m", "tests.torture.crowd", str(self.place.home))

    def _start(self, *arguments: str) -> Member:
        out = tempfile.TemporaryFile("w+", dir=self._outputs)  # noqa: SIM115 - its reader closes it
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Member(process, out)

    def _ended(self, runner: Member) -> int:
        """Whether a run came to a good end and found nothing more that was due."""
        said = runner.last_words(seconds=self._patience)
        code = runner.process.returncode
        if code != 0 or "database" in said:
            self.tally.wrong.append(f"a run ended with {code}: {said}"[:800])
            return 0
        # What an operator reads in between goes to standard error, and comes before the document.
        document, _ = json.JSONDecoder().raw_decode(said, said.index("{"))
        return int(document["held_by"] is None and not document["put_off"])

    def _heard(self, onlooker: Member) -> list[float]:
        """How long each of its writes took, in seconds; what it complains of is wrong."""
        said = onlooker.last_words(seconds=60)
        if not said.startswith("{"):
            self.tally.wrong.append(f"an onlooker ended: {said}"[:800])
            return []
        told = json.loads(said)
        self.tally.wrong += [f"an onlooker heard: {error}" for error in told["errors"]]
        waits: list[float] = told["waits"]
        return waits

    def _violations(self) -> Iterator[str]:
        told = forks.live(self._look, seconds=600)
        if told.error:
            yield told.error
            return
        renewed = Counter(told.result["versions"].values())
        if renewed != Counter({2: self.count}):
            yield f"versions per certificate: {dict(renewed)}"
        if set(told.result["serials"]) != self.world.issued():
            yield f"{len(self.world.issued())} were issued, {len(told.result['serials'])} are here"
        yield from told.result["broken"]
        if told.result["leftovers"]:
            yield f"{told.result['leftovers']} entries wait in the clean-up journal"
        for number in range(self.count):
            if left := self.world.txt(f"_acme-challenge.n{number}.{ZONE}"):
                yield f"left at n{number}: {left}"
        for name, values in FOREIGN_TXT.items():
            if self.world.txt(name) != values:
                yield f"TXT values of others changed at {name}"
        yield from plain(self.place.data, [self.world.facts["tsig_secret"].encode()])

    async def _look(self) -> dict[str, object]:
        clock = Clock()
        async with self.place.opened(clock) as core:
            report = await afterwards.settle(core, clock, Watch(), self.place)
            rows = await core.certificates.page(ListQuery(now=clock(), limit=10_000))
        return {
            "versions": {row.name: row.version_count for row in rows},
            "serials": report.serials,
            "broken": report.broken,
            "leftovers": report.leftovers,
        }

    async def _prepare(self) -> None:
        """Get `count` certificates that save themselves, and let the time of each have come."""
        Watch().install()
        async with self.place.opened() as core:
            specs = [
                RequestSpec(names=(f"n{number}.{ZONE}",), account=ACCOUNT, auto_save="always")
                for number in range(self.count)
            ]
            made = [await core.requests.create(spec, forced=True) for spec in specs]
            for request in made:
                ended = await core.requests.wait(request.id, seconds=500)
                assert ended.status == "saved", ended.problem
            now = core.context.clock()
            rows = await core.certificates.page(ListQuery(now=now, limit=10_000))
            plans = [
                RenewalPlan(
                    certificate_id=row.id,
                    version_number=1,
                    source="lifetime",
                    renew_at=now - timedelta(hours=1),
                    next_check_at=now + timedelta(days=1),
                )
                for row in rows
            ]
            await core.context.db.write(lambda session: renewal.put(session, plans))


async def look_on(home: Path) -> None:
    """What an open screen does: reads often, writes now and then, takes up what was cut off."""
    recovery.EVERY = 1.0
    errors: list[str] = []
    waits: list[float] = []
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with Place(home).opened() as core:
        core.recovery.keep_looking()
        while not ended.done():
            try:
                waits.append(await _one_look(core))
            except KmtuiError as error:
                errors.append(f"{type(error).__name__}: {error.message}")
            await asyncio.wait({ended}, timeout=0.2)
    print(json.dumps({"errors": errors, "waits": waits}))


async def _one_look(core: Core) -> float:
    """A list and its counts, then one write; how long that took."""
    await core.data_version()
    rows = await core.certificates.page(ListQuery(now=core.context.clock()))
    await core.certificates.counts()
    started = time.monotonic()
    await core.certificates.set(rows[0].id, auto_renew=True)
    return time.monotonic() - started


def run(count: int, *, kills: int, seed: int | None = None) -> Iterator[Tally]:
    """One crowd, in a world and directories of its own."""
    seed = random.randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="kmtui-torture-") as directory:
        home = Path(directory)
        with world.running(home / "world") as outside:
            tally = Crowd(outside, home, count, seed=seed).go(kills)
    tally.wrong = [f"{each} (seed {seed})" for each in tally.wrong]
    yield tally


if __name__ == "__main__":
    asyncio.run(look_on(Path(sys.argv[1])))
