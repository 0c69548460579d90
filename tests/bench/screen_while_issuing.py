"""Whether the screen stays quick while 200 requests are under way: stalls, and key to paint.

A stall is one turn of the event loop, from waking up to the next wait: for so long no key counts.
Beside the time on the clock stands what is left of it without the moments in which the loop's
thread was ready and all processors were taken: what a machine with nothing else to do shows.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import events

from kmtui import startup
from kmtui.app import KmtuiApp
from kmtui.config import Options
from kmtui.core.core import Core
from kmtui.core.fairloop import FairLoop
from kmtui.model import RequestSpec
from kmtui.widgets.rowtable import RowTable
from tests.bench.issue_many import NONCE_REJECT, RETRY_AFTER, names
from tests.servers.bind import Bind
from tests.servers.lab import ZONE, Lab
from tests.servers.pebble import Pebble

COUNT = 200
GOAL = 0.050
SCHEDSTAT = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took, in seconds."""

    wall: float
    quiet: float
    """Without the time in which this thread was ready and got no processor."""


class Watch:
    """Takes the time from its making on, for the thread that made it."""

    def __init__(self) -> None:
        self._wall, self._queued = time.perf_counter(), seconds_queued()

    def read(self) -> Span:
        """The time until now."""
        wall = time.perf_counter() - self._wall
        return Span(wall, max(wall - (seconds_queued() - self._queued), 0.0))


def seconds_queued() -> float:
    """How long this thread ever waited for a processor: the second field Linux keeps, in ns."""
    return int(SCHEDSTAT.read_text().split()[1]) / 1e9 if SCHEDSTAT.exists() else 0.0


class Turns(selectors.DefaultSelector):
    """What the event loop waits on; it times the loop's turns between two waits."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []
        self._watch = Watch()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as asked; a turn ends here, and the next one begins."""
        self.spans.append(self._watch.read())
        ready = super().select(timeout)
        self._watch = Watch()
        return ready


async def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Return when the condition holds, looked at every millisecond."""
    for _ in range(int(seconds * 1000)):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise SystemExit("the screen stands still")


async def press_keys(app: KmtuiApp, took: list[Span]) -> None:
    """Move the cursor up and down, and time each key."""
    while True:
        await asyncio.sleep(0.1)
        table = app.screen.query_one(RowTable)
        if table.count >= 4:
            took.append(await press_key(app, table))


async def press_key(app: KmtuiApp, table: RowTable) -> Span:
    """The time from a key until the table shows it. Ends the program when it never does."""
    before = table.cursor
    watch = Watch()
    app.post_message(events.Key("down" if before < 2 else "up", None))
    await until(lambda: table.cursor != before, seconds=3.0)
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    return watch.read()


async def issue_all(core: Core, count: int) -> int:
    """Request as a batch would; how many were issued."""
    creating = asyncio.Semaphore(8)

    async def issue(name: str) -> str:
        async with creating:
            request = await core.requests.create(RequestSpec(names=(name,), account="main"))
        return str((await core.requests.wait(request.id)).status)

    ends = await asyncio.gather(*(issue(name) for name in names(count, "ui-")))
    return ends.count("available")


async def measure(lab: Lab, count: int, turns: Turns) -> tuple[list[Span], int]:
    """From key to paint, and certificates issued; `turns` keeps those while requests run."""
    options = Options(data=lab.data, key_file=lab.home / "vault.key")
    opened: list[Core] = []

    async def load() -> Core:
        core = await startup.load(options)
        opened.append(core)
        return core

    app = KmtuiApp(options, load)
    took: list[Span] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: bool(opened))
        await pilot.press("2")
        await asyncio.sleep(1)
        turns.spans.clear()
        keys: asyncio.Task[Any] = asyncio.create_task(press_keys(app, took))
        issued = await issue_all(opened[0], count)
        keys.cancel()
        await asyncio.gather(keys, return_exceptions=True)
        while_issuing = list(turns.spans)
    await app.close_core()
    turns.spans = while_issuing
    return took, issued


def at_95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)] * 1000


def main() -> None:
    """Once: what counts is the worst moment of many."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    gc.disable()  # as the program's entry does
    turns = Turns()
    with (
        tempfile.TemporaryDirectory() as directory,
        Bind(zones=(ZONE,), secondaries=1) as bind,
        Pebble(
            dns_server=bind.server, nonce_reject=NONCE_REJECT, retry_after=RETRY_AFTER
        ) as pebble,
        asyncio.Runner(loop_factory=lambda: FairLoop(turns)) as runner,
    ):
        took, issued = runner.run(measure(Lab(Path(directory), pebble, bind), count, turns))
    if issued != count:
        raise SystemExit(f"only {issued} of {count} certificates were issued")
    goal = GOAL * 1000
    p95, alone = at_95([key.wall for key in took]), at_95([key.quiet for key in took])
    print(
        f"key to paint         {p95:5.0f} ms p95 while {count} requests run (goal {goal:.0f})"
        f"   ({alone:.0f} ms less the wait for a processor; {len(took)} keys)"
    )
    walls, quiet = [turn.wall for turn in turns.spans], [turn.quiet for turn in turns.spans]
    print(
        f"longest stall        {max(walls) * 1000:5.0f} ms of the event loop (goal {goal:.0f})"
        f"   ({max(quiet) * 1000:.0f} ms less that wait; over the goal"
        f" {sum(each > GOAL for each in walls)} and {sum(each > GOAL for each in quiet)}"
        f" of {len(walls)} turns)"
    )


if __name__ == "__main__":
    main()
