"""The question after our own count of a CA's limits said no: issue anyway?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kmtui.core.problems import counted
from kmtui.screens.confirm import Confirm
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.screens.page import Page

LISTED = 5


def ask_anyway(page: Page, refused: Sequence[tuple[str, str]], on_yes: Callable[[], None]) -> None:
    """Say what each of these would be too many of, and go on if the operator wants to.

    `refused` are pairs of a name and what our own count says.
    """
    facts: list[Fact] = [("", f"{name}: {said}") for name, said in refused[:LISTED]]
    if len(refused) > LISTED:
        facts.append(("", f"and {len(refused) - LISTED} more"))
    facts.append(("", ""))
    known = "This is kmtui's own count. The CA may know better, or refuse and make us wait."
    facts.append(("", (known, "muted")))
    what = refused[0][0] if len(refused) == 1 else counted(len(refused), "request")
    panel = Confirm(f"OVER THE LIMIT {what}", facts, verb="issue anyway", otherwise="leave it")
    page.app.push_screen(panel, lambda yes: on_yes() if yes else None)
