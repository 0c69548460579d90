"""What is said and done after the screen is gone."""

from __future__ import annotations

import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from kmtui.core.errors import KmtuiError
from kmtui.text import one_line, plain

if TYPE_CHECKING:
    from kmtui.core.core import Core


def crash_report(error: BaseException) -> str:
    """What went wrong and where, frame by frame, without the value of any variable."""
    frames = traceback.extract_tb(error.__traceback__)
    places = "\n".join(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"kmtui stopped: {type(error).__name__}: {one_line(str(error), 200)}\n{plain(places)}"


def refusal(error: KmtuiError) -> str:
    """Why the program cannot run, and what to do."""
    return plain(f"kmtui: {error.message}" + (f"\n{error.hint}" if error.hint else ""))


async def stop(core: Core) -> None:
    """Close the core, and say what happens to the jobs under way.

    A terminal that closes meanwhile must not cut their clean-up short.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    running = len(core.jobs.running)
    if running:
        what = "1 job stops" if running == 1 else f"{running} jobs stop"
        with suppress(OSError):
            sys.stderr.write(
                f"kmtui: {what} cleanly, which takes up to 20 s; nothing is lost.\n"
                "They go on at the next start, or with: kmtui resume\n"
            )
    await core.close()
