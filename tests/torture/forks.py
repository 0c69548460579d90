"""The fork server: everything is imported once, each life is a fork of milliseconds.

Fork only from a process with one thread and no event loop; the child makes its own.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

LONGEST = 60
"""Seconds of a usual life: whoever lives longer is stuck."""

NOT_AHEAD = frozenset({"__main__", "__mp_main__"})


@dataclass(frozen=True)
class Life:
    """How a child ended."""

    signal: int
    """What killed it; 0 when it came to its end."""
    result: Any = None
    error: str = ""
    """The traceback of what it died of by itself."""

    @property
    def killed(self) -> bool:
        """Whether it was killed as planned."""
        return self.signal == signal.SIGKILL

    @property
    def stuck(self) -> bool:
        """Whether it lived longer than anything may take."""
        return self.signal == signal.SIGALRM


def live(work: Callable[[], Awaitable[Any]], *, seconds: int = LONGEST) -> Life:
    """Run `work` in a child for at most `seconds`; its result must be JSON."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        _live(work, outlet, seconds)
    os.close(outlet)
    with os.fdopen(inlet, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    told = json.loads(said) if said and not number else {}
    return Life(number, told.get("result"), told.get("error", ""))


def warm_up(work: Callable[[], Awaitable[Any]]) -> Life:
    """Run `work` in a child, and import here whatever it imported there: later lives start warm."""

    async def watched() -> list[Any]:
        return [await work(), sorted(sys.modules)]

    life = live(watched)
    if life.result is None:
        return life
    result, modules = life.result
    for name in modules:
        if name not in sys.modules and name.partition(".")[0] not in NOT_AHEAD:
            importlib.import_module(name)
    return Life(life.signal, result)


def _live(work: Callable[[], Awaitable[Any]], outlet: int, seconds: int) -> None:
    signal.alarm(seconds)
    # What a child has to tell it tells through the pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    unheard: list[str] = []

    def heard(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        trace = "".join(traceback.format_exception(error)) if error else ""
        unheard.append(f"nobody caught: {context.get('message')}\n{trace}")

    async def whole() -> Any:
        asyncio.get_running_loop().set_exception_handler(heard)
        return await work()

    try:
        told = {"result": asyncio.run(whole()), "error": "\n".join(unheard)}
    except BaseException:
        told = {"error": traceback.format_exc()}
    with os.fdopen(outlet, "wb") as pipe:
        pipe.write(json.dumps(told).encode())
    os._exit(0)
