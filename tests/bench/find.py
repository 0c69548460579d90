"""Finding among 100,000 certificates with 1,000,000 versions: first rows, the weeks ahead, JSON.

First rows are a page and the count behind it, read at the same time as the screen does; each figure
is the median of a few, the slowest filters are named.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from kmtui.core.core import Core
from kmtui.db.certificate_order import SORTS
from kmtui.model import ListQuery
from tests.bench.large import fill

ROUNDS = 5
SIZES = (100, 10_000, 100_000)
NAMED = 3
FILTERS = (
    *("", "n0", "n099", "nowhere", "!d77.", "n0 !d77.", "status:valid", "!status:valid"),
    *("status:expired", "status:due", "status:revoked", "status:pending", "status:archived"),
    *("status:running", "status:failing", "account:account-1", "ca:ca-0", "expires:<30d"),
    *("expires:2027-01..2027-02", "renews:<7d", "issuer:r3", "key:rsa", "renew:off"),
    *("name:n000007.d7.example.org", "dns:zone-a", "dns:zone-b", "server:web1"),
    *("target:verified", "serial:0400", "sha256:0000", "status:valid account:account-1 n0"),
)


async def milliseconds(read: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await read()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


async def first_rows(core: Core, text: str, sort: str) -> float:
    query = ListQuery(now=datetime.now(UTC), text=text, sort=sort)
    return await milliseconds(
        lambda: asyncio.gather(core.certificates.page(query), core.certificates.count(query))
    )


async def measured(data: Path) -> tuple[dict[str, float], float]:
    """Milliseconds by filter and order, and for the weeks ahead."""
    core = await Core.open(data)
    try:
        found = {f"/{text}": await first_rows(core, text, "expires") for text in FILTERS}
        found |= {f"sort {sort}": await first_rows(core, "", sort) for sort in SORTS}
        found |= {f"/n099 sort {sort}": await first_rows(core, "n099", sort) for sort in SORTS}
        return found, await milliseconds(core.timeline.weeks)
    finally:
        await core.close()


def streamed(data: Path) -> tuple[float, float, float]:
    """Seconds to the first byte and to the last, and MiB, of all certificates as JSON."""
    command = [sys.executable, "-m", "kmtui", "--data", str(data), "cert", "list", "--json"]
    start = time.perf_counter()
    with subprocess.Popen([*command, "--all"], stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        first = time.perf_counter() - start
        # Not by wait: it would count what this process had when it forked.
        status, memory = Path(f"/proc/{process.pid}/status"), 0.0
        while process.stdout.read(1 << 20):
            peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            memory = max([memory, *(int(line.split()[1]) / 1024 for line in peak)])
    whole = time.perf_counter() - start
    assert process.returncode == 0
    return first, whole, memory


def main() -> None:
    """Sizes one after the other; their ratio says less about the machine than milliseconds do."""
    typical: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        for size in SIZES:
            data = Path(directory) / str(size)
            fill(data, size)
            found, weeks = asyncio.run(measured(data))
            typical[size] = statistics.median(found.values())
            slowest = sorted(found, key=lambda name: found[name], reverse=True)[:NAMED]
            print(
                f"first rows of {size:>7,}  {typical[size]:5.0f} ms, the slowest "
                f"{found[slowest[0]]:.0f} ms (goal 100); weeks ahead {weeks:.0f} ms (goal 300)"
            )
            print("    " + ", ".join(f"{name}: {found[name]:.0f}" for name in slowest))
        first, whole, memory = streamed(data)
    ratio = typical[SIZES[-1]] / typical[SIZES[0]]
    print(f"first rows           {ratio:5.2f} x those of {SIZES[0]}")
    print(
        f"list as JSON         {whole:5.2f} s for {SIZES[-1]:,} (goal 5), the first byte after "
        f"{first:.2f} s, {memory:.0f} MiB (goal 150)"
    )


if __name__ == "__main__":
    main()
