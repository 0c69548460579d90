"""The questions before something that will hardly work: issue, or send, anyway?"""

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
    what = refused[0][0] if len(refused) == 1 else counted(len(refused), "request")
    known = "This is kmtui's own count. The CA may know better, or refuse and make us wait."
    said = [f"{name}: {said}" for name, said in refused]
    _ask(page, f"OVER THE LIMIT {what}", said, known, "issue anyway", on_yes)


def ask_against_dns(page: Page, obstacles: Sequence[str], on_yes: Callable[[], None]) -> None:
    """Say what no CA could get past, as seen from here, and go on if the operator wants to."""
    known = "That is what this host sees. A CA that sees the same will refuse, and count it."
    _ask(page, "THE DNS SAYS NO", obstacles, known, "send anyway", on_yes)


def _ask(
    page: Page,
    title: str,
    reasons: Sequence[str],
    known: str,
    verb: str,
    on_yes: Callable[[], None],
) -> None:
    facts: list[Fact] = [("", reason) for reason in reasons[:LISTED]]
    if len(reasons) > LISTED:
        facts.append(("", f"and {len(reasons) - LISTED} more"))
    facts += [("", ""), ("", (known, "muted"))]
    panel = Confirm(title, facts, verb=verb, otherwise="leave it")
    if not page.lead_to(panel, lambda yes: on_yes() if yes else None):
        page.tell(f"{title}: {reasons[0]}", "warn")
