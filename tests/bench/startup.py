"""How long `kmtui --version` takes, as a multiple of a Python that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds_of(*argv: str) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    empty: list[float] = []
    version: list[float] = []
    # Alternately, so that a busy moment of the machine meets both.
    for _ in range(ROUNDS):
        empty.append(seconds_of(sys.executable, "-c", "pass"))
        version.append(seconds_of(sys.executable, "-m", "kmtui", "--version"))
    base, ours = statistics.median(empty), statistics.median(version)
    print(
        f"kmtui --version      {ours / base:5.2f} x an empty Python"
        f"   ({ours * 1000:.0f} ms, {base * 1000:.0f} ms)"
    )


if __name__ == "__main__":
    main()
