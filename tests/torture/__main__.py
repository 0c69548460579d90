"""``python -m tests.torture [PART…] [--every N]``: torture, then figures; code 1 if any is wrong.

Runs in a process of its own because it forks: one thread, and no event loop before a fork.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from tests.torture import disk, faults, kills
from tests.torture.kills import Tally
from tests.torture.scenes import SCENES


def _kills(every: int, pairs: int) -> list[Tally]:
    return [tally for scene in SCENES for tally in kills.run(scene, every=every, pairs=pairs)]


def _faults(every: int, pairs: int) -> list[Tally]:
    return [tally for scene in SCENES for tally in faults.run(scene, every=every)]


def _disk(every: int, pairs: int) -> list[Tally]:
    return disk.run(SCENES[0], every=every)


PARTS: dict[str, Callable[[int, int], list[Tally]]] = {
    "kills": _kills,
    "faults": _faults,
    "disk": _disk,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="stride through points")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="runs killed twice")
    parser.add_argument("--json", action="store_true", help="figures for a program")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if parts == ["disk"]:
        code = disk.with_a_small_disk(["-m", "tests.torture", *sys.argv[1:]])
        if code is not None:
            return code
    tallies = [tally for part in parts for tally in PARTS[part](options.every, options.pairs)]
    for tally in tallies:
        print(json.dumps(tally.document()) if options.json else tally.line(), flush=True)
        if not options.json:
            print("\n".join(f"  {each}" for each in tally.wrong), end="\n" if tally.wrong else "")
    return int(any(tally.wrong for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
