"""When Python looks for garbage: never while it imports, and never among what the imports made."""

from __future__ import annotations

import gc

BETWEEN_LOOKS = 5_000
"""Objects made and kept between two looks through the youngest ones; Python's own 700 looks through
the tasks of some hundred requests again and again."""


def wait() -> None:
    """Throw nothing away for now: while the program starts it would cost a tenth of the time."""
    gc.disable()


def begin() -> None:
    """Look for garbage from now on, only among what is made from now on.

    A look through modules, classes and compiled statements holds the event loop for a tenth of a
    second, and finds nothing. Does nothing unless `wait` was called before.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(BETWEEN_LOOKS, 10, 10)
        gc.enable()
