"""Killed at random moments, as `kill -9` does it: real commands, a real CA, a real name server."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.real.scripted import Scripted, set_up
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble
from tests.servers.process import free_port
from tests.torture import afterwards
from tests.torture.afterwards import Report
from tests.torture.invariants import GOOD, plain
from tests.torture.kills import Tally
from tests.torture.scenes import Clock, Place
from tests.torture.watch import Watch
from tests.torture.world import FOREIGN_TXT, ZONE

ISSUED = re.compile(r"Issued certificate serial ([0-9a-f]+) ")
LISTENED = f"www.{ZONE}"
"""Names below it are proved by http-01; new ones each time, as CAs limit how often one returns."""
LIMIT = 110.0
"""Seconds for one command."""


class RandomKills:
    """Requests and resumes on one inventory; most of them die before they are done."""

    def __init__(self, home: Path, ca: Pebble, lab: Bind, *, seed: int) -> None:
        self.ca = ca
        self.lab = lab
        self.place = Place(home)
        self.run = Scripted(home)
        self.tally = Tally("random kills")
        self._chance = random.Random(seed)
        self._usual = 0.0
        """Seconds that an undisturbed request takes."""
        for name, values in FOREIGN_TXT.items():
            for value in values:
                lab.add_txt(name, value)
        self._foreign = lab.added(ZONE)
        set_up(self.run, ca, lab)
        self.run("mapping", "add", f".{LISTENED}", "--server", "web")

    def go(self, kills: int) -> Tally:
        """Kill until there were so many; everything is brought to its end in between."""
        started = time.monotonic()
        self._one_round(undisturbed=True)
        while self.tally.kills < kills:
            self._one_round()
        self.tally.wrong += self._violations()
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _one_round(self, *, undisturbed: bool = False) -> None:
        """One request of three certificates, then resumes until one of them lives to its end."""
        number = self.tally.cases
        self.tally.cases += 1
        name = f"n{number}.{ZONE}"
        source = self.place.home / "names"
        source.write_text(f"{name} *.{name}\nother-{name}\nn{number}.{LISTENED}\n")
        started = time.monotonic()
        new = ("request", "new", "--from", str(source), "--account", "main")
        ended = self._command(*new, may_die=not undisturbed)
        self._usual = self._usual or time.monotonic() - started
        while not ended:
            self.tally.recoveries += 1
            ended = self._command("resume", may_die=self._chance.random() < 0.85)
        if left := self.lab.added(ZONE) ^ self._foreign:
            self.tally.wrong.append(f"round {number}: the zone differs by {len(left)} records")

    def _command(self, *arguments: str, may_die: bool) -> bool:
        """Run a command, or kill it at a random moment when it may die. Whether it ended itself."""
        process = subprocess.Popen(
            [sys.executable, "-m", "kmtui", "--json", *arguments],
            env=self.run.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        patience = self._chance.uniform(0.1, 0.9) * self._usual if may_die else LIMIT
        try:
            out, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if may_die:
                self.tally.kills += 1
                self.tally.points[arguments[0]] += 1
            else:
                self.tally.wrong.append(f"{arguments[0]} takes longer than {patience:.0f} s")
            return False
        if process.returncode != 0:
            self.tally.wrong.append(f"{arguments[0]}: {process.returncode}: {errors} {out}"[:800])
        return True

    def _violations(self) -> Iterator[str]:
        asked = len(self.ca.log)
        self._command("resume", may_die=False)
        if "POST" in self.ca.log[asked:]:
            yield "a second resume called the CA"
        report = asyncio.run(self._report())
        yield from report.broken
        for ending in report.endings:
            if ending.status not in GOOD:
                yield f"request {ending.number} is {ending.status}: {ending.type}: {ending.what}"
            elif not ending.csr_spki == ending.version_spki == ending.key_spki:
                yield f"request {ending.number}: key, signing request and certificate differ"
        issued = {int(serial, 16) for serial in ISSUED.findall(self.ca.log)}
        stored = {int(serial, 16) for serial in report.serials}
        if len(issued) != len(report.endings) or issued != stored:
            yield (
                f"{len(issued)} certificates were issued for {len(report.endings)} requests,"
                f" {len(stored)} are in the inventory"
            )
        if report.leftovers:
            yield f"{report.leftovers} entries wait in the clean-up journal"
        secret = self.lab.tsig.secret
        yield from plain(self.place.data, [secret.encode(), b"PRIVATE KEY"])

    async def _report(self) -> Report:
        clock = Clock()
        async with self.place.opened(clock) as core:
            return await afterwards.settle(core, clock, Watch(), self.place)


def run(kills: int, *, seed: int | None = None) -> list[Tally]:
    """Kill so many times, with servers and an inventory of its own."""
    seed = random.randrange(10**6) if seed is None else seed
    with (
        tempfile.TemporaryDirectory(prefix="kmtui-torture-") as home,
        Bind() as lab,
        Pebble(dns_server=lab.server, http_port=free_port()) as ca,
    ):
        tally = RandomKills(Path(home), ca, lab, seed=seed).go(kills)
    tally.wrong = [f"{each} (seed {seed})" for each in tally.wrong]
    return [tally]
