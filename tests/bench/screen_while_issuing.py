"""Whether the screen stays quick while 200 requests are under way: stalls, and key to paint."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual import events

from kmtui import startup
from kmtui.app import KmtuiApp
from kmtui.config import Options
from kmtui.core.core import Core
from kmtui.model import RequestSpec
from kmtui.widgets.rowtable import RowTable
from tests.bench.issue_many import NONCE_REJECT, RETRY_AFTER, names
from tests.servers.bind import Bind
from tests.servers.lab import ZONE, Lab
from tests.servers.pebble import Pebble

COUNT = 200
GOAL = 0.050
PROBE = 0.005
"""Seconds between two looks at the loop."""


async def watch_loop(late: list[float]) -> None:
    """Note how much later than asked each sleep ended: for so long nothing else could happen."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(PROBE)
        late.append(time.perf_counter() - start - PROBE)


async def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Return when the condition holds, looked at every millisecond."""
    for _ in range(int(seconds * 1000)):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise SystemExit("the screen stands still")


async def press_keys(app: KmtuiApp, took: list[float]) -> None:
    """Move the cursor up and down, and time each key until the table shows it."""
    while True:
        await asyncio.sleep(0.1)
        table = app.screen.query_one(RowTable)
        before = table.cursor
        if table.count < 4:
            continue
        start = time.perf_counter()
        app.post_message(events.Key("down" if before < 2 else "up", None))
        await until(lambda seen=table, was=before: seen.cursor != was)  # type: ignore[misc]
        painted = asyncio.Event()
        app.screen.call_after_refresh(painted.set)
        await painted.wait()
        took.append(time.perf_counter() - start)


async def issue_all(core: Core, count: int) -> int:
    """Request as a batch would; how many were issued."""
    creating = asyncio.Semaphore(8)

    async def issue(name: str) -> str:
        async with creating:
            request = await core.requests.create(RequestSpec(names=(name,), account="main"))
        return str((await core.requests.wait(request.id)).status)

    ends = await asyncio.gather(*(issue(name) for name in names(count, "ui-")))
    return ends.count("available")


async def measure(lab: Lab, count: int) -> tuple[list[float], list[float], int]:
    """Lateness of the loop, seconds from key to paint, and certificates issued."""
    options = Options(data=lab.data, key_file=lab.home / "vault.key")
    opened: list[Core] = []

    async def load() -> Core:
        core = await startup.load(options)
        opened.append(core)
        return core

    app = KmtuiApp(options, load)
    late: list[float] = []
    took: list[float] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: bool(opened))
        await pilot.press("2")
        await asyncio.sleep(1)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(watch_loop(late)),
            asyncio.create_task(press_keys(app, took)),
        ]
        issued = await issue_all(opened[0], count)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await app.close_core()
    return sorted(late), sorted(took), issued


def main() -> None:
    """Once: what counts is the worst moment of many."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with (
        tempfile.TemporaryDirectory() as directory,
        Bind(zones=(ZONE,), secondaries=1) as bind,
        Pebble(
            dns_server=bind.server, nonce_reject=NONCE_REJECT, retry_after=RETRY_AFTER
        ) as pebble,
    ):
        late, took, issued = asyncio.run(measure(Lab(Path(directory), pebble, bind), count))
    if issued != count:
        raise SystemExit(f"only {issued} of {count} certificates were issued")
    p95 = took[int(len(took) * 0.95)]
    stalls = sum(each > GOAL for each in late)
    print(
        f"screen, {count} requests  {p95 / GOAL:5.2f} x the goal from key to paint"
        f"   (p95 {p95 * 1000:.0f} ms, goal {GOAL * 1000:.0f}; longest stall of the loop "
        f"{late[-1] * 1000:.0f} ms, {stalls} over {GOAL * 1000:.0f} in {len(late)} looks)"
    )


if __name__ == "__main__":
    main()
