"""``python -m tests.torture PART``: torture, then figures; exit code 1 when anything is wrong.

Runs in a process of its own because it forks: one thread, and no event loop before a fork.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.torture import crowd, deployments, disk, faults, kills, random_kills
from tests.torture.kills import Tally
from tests.torture.scenes import SCENES


def _kills(options: argparse.Namespace) -> Iterator[Tally]:
    for scene in SCENES:
        yield from kills.run(scene, every=options.every, pairs=options.pairs)


def _faults(options: argparse.Namespace) -> Iterator[Tally]:
    for scene in SCENES:
        yield from faults.run(scene, every=options.every)


def _disk(options: argparse.Namespace) -> Iterator[Tally]:
    yield from disk.run(SCENES[0], every=options.every)


def _random(options: argparse.Namespace) -> Iterator[Tally]:
    yield from random_kills.run(options.kills)


def _crowd(options: argparse.Namespace) -> Iterator[Tally]:
    yield from crowd.run(options.certificates, kills=options.crowd_kills)


def _deployments(options: argparse.Namespace) -> Iterator[Tally]:
    yield from deployments.run(every=options.every)


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Tally]]] = {
    "kills": _kills,
    "faults": _faults,
    "disk": _disk,
    "random": _random,
    "crowd": _crowd,
    "deployments": _deployments,
}


def everything() -> int:
    """All parts in full, as many at a time as there are processors."""
    started = time.monotonic()
    kills = os.environ.get("KMTUI_TORTURE_KILLS", "200")
    options = {"kills": ["--pairs", "100"], "random": ["--kills", kills]}

    def run(part: str) -> int:
        argv = [sys.executable, "-m", "tests.torture", part, *options.get(part, [])]
        return subprocess.run(argv, check=False).returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = list(pool.map(run, PARTS))
    minutes = (time.monotonic() - started) / 60
    verdict = "nothing lost" if not any(codes) else "something is wrong, see above"
    print(f"torture: {verdict}, {minutes:.0f} min")
    return int(any(codes))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("part", choices=[*PARTS, "all"])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="stride through points")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="runs killed twice")
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="at random moments")
    parser.add_argument("--certificates", type=int, default=200, metavar="N", help="of the crowd")
    parser.add_argument("--crowd-kills", type=int, default=20, metavar="N", help="of the crowd")
    options = parser.parse_args()
    if options.part == "all":
        return everything()
    if options.part == "disk":
        code = disk.with_a_small_disk(["-m", "tests.torture", *sys.argv[1:]])
        if code is not None:
            return code
    wrong = 0
    for tally in PARTS[options.part](options):
        print("\n  ".join([tally.line(), *tally.wrong]), flush=True)
        wrong += len(tally.wrong)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
