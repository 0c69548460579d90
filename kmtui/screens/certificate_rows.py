"""What a row of a certificate's lists stands for: its facts, its screen, its error, its text."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kmtui.model import Request, Target, Version
from kmtui.screens.error import ErrorScreen
from kmtui.screens.history import attempt_facts
from kmtui.screens.request_words import parked_at
from kmtui.screens.target_words import problem_of_target, target_facts, where
from kmtui.screens.version import read_chain, version_facts
from kmtui.status import request_cell
from kmtui.widgets.details import Fact

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.screens.page import Page

Shown = Version | Request | Target
"""What a row was made from."""


async def row_facts(core: Core, shown: Shown) -> list[Fact]:
    """All about it, for the pane. Raises NotFound when it is gone."""
    match shown:
        case Version():
            return await _of_version(core, shown)
        case Target():
            history = await core.targets.history(shown.certificate_id, shown.name)
            return target_facts(shown, datetime.now(UTC), history)
    return await _of_attempt(core, shown)


async def _of_attempt(core: Core, request: Request) -> list[Fact]:
    """Since when it is parked stands in its log."""
    log = await core.requests.log(request.id) if request.status == "parked" else []
    held, since = core.requests.held_by(request), parked_at(request, log)
    return attempt_facts(request, datetime.now(UTC), held=held, since=since)


async def _of_version(core: Core, row: Version) -> list[Fact]:
    """The chain is no part of a list: it is read for the one version that is looked at."""
    version = await core.certificates.version(row.certificate_id, row.number)
    chain = await asyncio.to_thread(read_chain, version.chain_pem)
    facts = version_facts(version, datetime.now(UTC), chain.line)
    more: Fact = ("", ("enter shows the whole text, the chain and the PEM", "muted"))
    return [("", (f"v{version.number}", "strong")), *facts, ("", ""), more]


def row_screen(shown: Shown) -> Page:
    """The screen behind enter."""
    match shown:
        case Version():
            from kmtui.screens.version import VersionScreen

            return VersionScreen(shown.certificate_id, shown.number)
        case Target():
            from kmtui.screens.target import TargetScreen

            return TargetScreen(shown)
    from kmtui.screens.request import RequestScreen

    return RequestScreen(shown.id)


def row_error(shown: Shown) -> ErrorScreen | None:
    """What went wrong with it, if anything."""
    match shown:
        case Target() if shown.error:
            title = f"deploy {shown.certificate} to {shown.name}"
            return ErrorScreen(title, problem_of_target(shown))
        case Request() if shown.problem is not None:
            at = shown.finished_at or shown.created_at
            return ErrorScreen(f"{shown.kind} #{shown.number}", shown.problem, at)
    return None


def row_text(shown: Shown) -> str:
    """What ``y`` copies: a serial, the place of a target, what the CA said to an attempt."""
    match shown:
        case Version():
            return shown.serial
        case Target():
            return where(shown)
    return request_cell(shown)[0] or shown.order_url or f"#{shown.number}"
