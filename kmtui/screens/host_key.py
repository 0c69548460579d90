"""Host keys of SSH servers on the screen: which one is pinned, since when, and the typed yes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.core.errors import KmtuiError
from kmtui.core.servers.host_keys import HostKey
from kmtui.model import EndServer, ListQuery
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.confirm import StrongConfirm
from kmtui.status import look, when
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.screens.page import Page

YES = "yes"
"""Typed in full before a key is trusted."""
HOST_KEY, KNOWN_HOSTS = "host_key", "known_hosts"
PINS = (HOST_KEY, KNOWN_HOSTS)
"""Settings that say which host keys are trusted; a kind that has the first logs in somewhere."""
COMPARE = "On the server's console: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub"


@dataclass(frozen=True, slots=True)
class Pin:
    """The host key of an end server as it is pinned."""

    fingerprint: str
    since: datetime | None = None
    by: str = ""

    @property
    def words(self) -> str:
        """``SHA256:…``, and on a line of its own ``pinned 2026-10-01 12:00 by ops@host1``."""
        said = f"\npinned {when(self.since)} by {self.by}" if self.since else ""
        return f"{self.fingerprint}{said}"


async def pin_of(core: Core, server: EndServer) -> Pin | None:
    """The fingerprint that is pinned, and who did that when; None where there is none."""
    fingerprint = server.settings.get(HOST_KEY, "")
    if not fingerprint:
        return None
    wanted = f"object:{server.id} {fingerprint.split()[0]}"
    lines = await core.activity.page(ListQuery(now=datetime.now(UTC), text=wanted, limit=1))
    return Pin(fingerprint, lines[0].at, lines[0].actor) if lines else Pin(fingerprint)


async def changed_facts(core: Core, server: EndServer) -> list[Fact]:
    """Both fingerprints, when the server shows another key than the pinned one; else nothing."""
    pin = await pin_of(core, server)
    if pin is None:
        return []
    try:
        offered = await core.end_servers.host_key(
            server.settings.get("host", ""), server.settings.get("port", "")
        )
    except KmtuiError:  # the test itself said why
        return []
    return [] if offered.sha256 in pin.fingerprint else _changed(pin, offered)


def _changed(pin: Pin, offered: HostKey) -> list[Fact]:
    glyph = look("failed").glyph
    return [
        ("Host key", (f"{glyph} it is another one: nothing was sent", "bad")),
        ("pinned", pin.words),
        ("shown now", (str(offered), "bad")),
        (CONTINUED, "Somebody may stand in between. If the server has a new key, compare it:"),
        (CONTINUED, COMPARE),
        (
            CONTINUED,
            "In the form (E) empty the host key, then ctrl+s: it is pinned by a typed yes.",
        ),
    ]


def ask_to_pin(
    page: Page, where: str, offered: HostKey, pin: Pin | None, on_yes: Callable[[], None]
) -> None:
    """Show the key that is offered, and call `on_yes` once yes was typed."""
    changed = pin is not None and pin.fingerprint != offered.sha256
    facts: list[Fact] = [
        ("type", offered.type),
        ("key", (offered.sha256, "strong")),
        *([("until now", (pin.words, "bad"))] if pin is not None and changed else []),
        ("", ""),
        ("", "Whoever has this key is trusted with private keys and commands."),
        ("", f"Compare it first. {COMPARE}"),
    ]
    panel = StrongConfirm(
        f"{'ANOTHER' if changed else 'UNKNOWN'} HOST KEY of {where}",
        facts,
        expected=YES,
        noun=YES,
        verb="pin it",
        otherwise="trust nothing",
    )
    page.app.push_screen(panel, lambda answers: on_yes() if answers is not None else None)


def offer_facts(offered: HostKey | None, problem: str, pin: Pin | None) -> Sequence[Fact]:
    """What the form tells while host and user are typed."""
    if offered is None:
        return [("Host key", (problem, "warn"))] if problem else []
    if pin is not None and offered.sha256 in pin.fingerprint:
        return [("Host key", ("the server shows the pinned one", "good"))]
    if pin is not None:
        return _changed(pin, offered)
    return [
        ("Host key", f"{offered} is shown"),
        (CONTINUED, ("not pinned yet: ctrl+s asks, or type the one you know", "warn")),
    ]
