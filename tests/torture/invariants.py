"""What must be true after every torture, judged from outside: the world against the inventory."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.afterwards import Report
from tests.torture.scenes import Place
from tests.torture.world import FOREIGN_TXT, World

GOOD = ("available", "saved")
ENDED = (*GOOD, "failed", "cancelled")


@dataclass(frozen=True)
class Judge:
    """Compares one world with one inventory; `issued` is what the CA had issued beforehand."""

    world: World
    names: Sequence[str]
    issued: frozenset[str]
    known: frozenset[str]
    """Serial numbers of the versions that were there beforehand."""

    def violations(
        self,
        report: Report,
        place: Place,
        committed: Mapping[str, str],
        *,
        may_fail: bool = False,
    ) -> list[str]:
        """Everything that is wrong, a sentence each; `committed` maps requests to their keys."""
        return [
            *self._requests(report, committed, may_fail=may_fail),
            *self._certificates(report),
            *self._outside(),
            *self._inventory(report),
            *self._secrets(place),
        ]

    def _requests(
        self, report: Report, committed: Mapping[str, str], *, may_fail: bool
    ) -> Iterator[str]:
        endings = {str(ending.number): ending for ending in report.endings}
        for number, spki in committed.items():
            ending = endings.get(number)
            if ending is None:
                yield f"request {number} is gone"
            elif ending.csr_spki != spki:
                yield f"request {number} got another key"
        for ending in report.endings:
            number = str(ending.number)
            if ending.status in GOOD:
                if not ending.csr_spki == ending.version_spki == ending.key_spki:
                    yield f"request {number}: key, signing request and certificate do not match"
            elif ending.status not in ENDED:
                yield f"request {number} is still {ending.status}: {ending.what}"
            elif not may_fail:
                yield f"request {number} is {ending.status}: {ending.type}: {ending.what}"
            elif not (ending.type and ending.what and ending.hint):
                yield f"request {number} {ending.status} without type, what or hint: {ending}"
        for ending in report.parked:
            silent = not (ending.type and ending.what and ending.hint and ending.not_before)
            if ending.status == "parked" and silent:
                yield f"request {ending.number} is parked without type, what, hint or time"

    def _certificates(self, report: Report) -> Iterator[str]:
        issued = self.world.issued() - self.issued
        stored = set(report.serials) - self.known
        if lost := issued - stored:
            yield f"{len(lost)} certificates were issued and are not in the inventory"
        if invented := stored - issued:
            yield f"{len(invented)} versions were never issued"
        good = sum(ending.status in GOOD for ending in report.endings) - len(self.known)
        if len(stored) != good:
            yield f"{len(stored)} versions for {good} requests that ended well"

    def _outside(self) -> Iterator[str]:
        proved = {f"_acme-challenge.{name.removeprefix('*.')}" for name in self.names}
        for name in proved | set(FOREIGN_TXT):
            expected, found = FOREIGN_TXT.get(name, frozenset()), self.world.txt(name)
            if left := found - expected:
                yield f"{len(left)} TXT values are left at {name}"
            if expected - found:
                yield f"TXT values of others are gone from {name}"
        files = self.world.files()
        foreign = self.world.foreign_files
        if left := set(files) - set(foreign):
            yield f"left in the web root: {', '.join(sorted(left))}"
        if any(files.get(name) != content for name, content in foreign.items()):
            yield "files of others were changed"

    def _inventory(self, report: Report) -> Iterator[str]:
        yield from report.broken
        if report.leftovers:
            yield f"{report.leftovers} entries wait in the clean-up journal"
        if report.idle_calls:
            yield f"a second look called {', '.join(report.idle_calls)}"

    def _secrets(self, place: Place) -> Iterator[str]:
        secret: str = self.world.facts["tsig_secret"]
        canaries = (secret.encode(), base64.b64decode(secret), b"PRIVATE KEY")
        yield from plain(place.home, canaries)


def plain(home: Path, canaries: Collection[bytes]) -> Iterator[str]:
    """The files below `home` that hold one of the secrets in the open; the key file may."""
    for path in home.rglob("*"):
        if path.is_file() and path.name != "vault.key":
            content = path.read_bytes()
            if any(canary in content for canary in canaries):
                yield f"{path.name} holds a secret in the open"
