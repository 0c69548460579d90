"""What is said on the terminal after the screen is gone."""

from __future__ import annotations

import traceback

from kmtui.core.errors import KmtuiError
from kmtui.text import one_line, plain


def crash_report(error: BaseException) -> str:
    """What went wrong and where, frame by frame, without the value of any variable."""
    frames = traceback.extract_tb(error.__traceback__)
    places = "\n".join(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"kmtui stopped: {type(error).__name__}: {one_line(str(error), 200)}\n{plain(places)}"


def refusal(error: KmtuiError) -> str:
    """Why the program cannot run, and what to do."""
    return plain(f"kmtui: {error.message}" + (f"\n{error.hint}" if error.hint else ""))
