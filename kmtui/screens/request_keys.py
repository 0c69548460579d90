"""Which keys of a request work in which of its states, and why the others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmtui.bindings import KEYS
from kmtui.model import ACTIVE_STATUSES, Request, RequestStatus

if TYPE_CHECKING:
    from kmtui.core.core import Core

LOCKED = "vault is locked: L unlocks"
NOT_SET_UP = "the vault is not set up yet: L does it"

_BEGUN_ANEW = frozenset({RequestStatus.DRAFT, RequestStatus.FAILED, RequestStatus.CANCELLED})
_WORKS_IN: dict[str, tuple[frozenset[RequestStatus], str]] = {
    "retry": (_BEGUN_ANEW | ACTIVE_STATUSES, "it ended well"),
    "edit": (_BEGUN_ANEW, "only what failed, was cancelled or is a draft is filled in again"),
    "cancel": (ACTIVE_STATUSES, "nothing is under way"),
    "save": (frozenset({RequestStatus.AVAILABLE}), "no version of it waits to be saved"),
    "drop_draft": (frozenset({RequestStatus.DRAFT}), "it is no draft"),
}
"""By key: the states in which it works, and what to say in the others."""
_TAKES_IT_UP = ("retry", "cancel")
"""Keys that no process answers while another one works on the request."""


def vault_reason(core: Core, key: str) -> str:
    """Why the vault stands against a changing key; empty when it does not."""
    if not KEYS[key].writes or not core.access.locked:
        return ""
    return f"{KEYS[key].word}: {LOCKED if core.access.initialised else NOT_SET_UP}"


def request_reason(core: Core, key: str, request: Request | None, held: str = "") -> str:
    """Why a key can do nothing to this request now; empty when it can.

    `held` is the other process that works on it.
    """
    if key in _WORKS_IN:
        states, otherwise = _WORKS_IN[key]
        word = KEYS[key].word
        if request is None:
            return f"{word}: there is no request here"
        if request.status not in states:
            return f"{word}: {otherwise}"
        if held and key in _TAKES_IT_UP:
            return f"{word}: {held} works on it"
        if key == "retry" and core.requests.is_running(request.id):
            return f"{word}: it is under way"
    return vault_reason(core, key) if key in KEYS else ""
